"""``PATH[:scale]``: a file or folder that an option names, and how strongly it acts."""

from __future__ import annotations

import math
from pathlib import Path

from vp2p.errors import ModelError
from vp2p.text import shorten


def parted(text: str, what: str, typed: str) -> tuple[str, str]:
    """The path, and the scale with its colon or nothing.

    Args:
        what: it is, for the message, and ``typed`` what stands before the path on the command line: ``--lora ``.

    Raises:
        ModelError: the scale is no finite number.
    """
    path, colon, scale = text.rpartition(":")
    if not colon or not path or Path(text).expanduser().exists():
        return text, ""
    try:
        if math.isfinite(float(scale)):
            return path, colon + scale
    except ValueError:
        pass
    if not Path(path).expanduser().exists():
        return text, ""
    raise ModelError(
        f"The scale of the {what} {shorten(path)} is {shorten(scale)}, but must be a number.", f"{typed}{path}:0.8"
    )
