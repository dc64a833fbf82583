"""``PATH[:scale]``: a file or folder that an option names, and how strongly it acts."""

from __future__ import annotations

import math
from pathlib import Path

from vp2p.errors import ModelError
from vp2p.text import shorten


def scaled(text: str, what: str, typed: str) -> tuple[str, float]:
    """The path, and the scale, 1 where none is said; see :func:`parted`. Raises ModelError for one below 0, too."""
    path, scale = parted(text, what, typed)
    if float(scale[1:] or 1) < 0:
        raise ModelError(
            f"The scale of the {what} {shorten(path)} is {scale[1:]}, but must be 0 or more.", f"{typed}{path}:0.8"
        )
    return path, float(scale[1:] or 1)


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
