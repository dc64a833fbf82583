"""The clips that a run keeps, as their files show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vp2p.settings import ClipSettings
from vp2p.workspace import RunFolder

if TYPE_CHECKING:
    import numpy as np

FRAMES = "edited.safetensors"
"""The file of an edit's frames, to the bit."""

Format = Literal["mp4", "gif", "webp", "png"]


def video_name(format: Format) -> str:
    """The file, or of pictures the folder, of an edit's result."""
    return "edited" if format == "png" else f"edited.{format}"


def edited_file(run: RunFolder) -> Path:
    """The edited clip of a finished edit. Raises ArtifactError if its manifest is missing or damaged."""
    return run.path(video_name(run.manifest().settings["format"]))


def every_frame(file: Path) -> np.ndarray:
    """All frames of a clip, uint8 RGB (F, H, W, 3). Raises VideoError if it cannot be read."""
    from vp2p.video.reading import read_clip

    return read_clip(file, ClipSettings(frames="all")).frames
