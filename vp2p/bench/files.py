"""The names of a bench's files, and its strips of frames."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from vp2p.atomic import swapping


def file_name(text: str) -> str:
    """A name for a file or folder of any text, another for any other."""
    return quote(text, safe="=, ")


def strip_path(out: Path, case: str, name: str) -> Path:
    """Where the frames of a clip of a case lie side by side; ``name`` is a method's, ``clip`` or ``ideal``."""
    return out / "frames" / case / f"{file_name(name)}.png"


def write_strip(path: Path, frames: np.ndarray) -> None:
    """Frames, uint8 (F, H, W, 3), side by side as a PNG, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with swapping(path) as temporary:
        Image.fromarray(np.concatenate(list(frames), axis=1)).save(temporary, format="PNG")
