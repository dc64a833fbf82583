"""``PATH[:scale]``: a file or folder that an option names, and how strongly it acts."""

from __future__ import annotations

import math

from vp2p.errors import ModelError
from vp2p.models.named import Option
from vp2p.text import shorten, typed

REFERENCE = Option(
    "--reference ", "picture", "give --reference a picture, such as dog.png or dog.png:0.6", on_hub=False
)


def scaled(text: str, option: Option) -> tuple[str, float]:
    """The path, and the scale, 1 where none is said; see :func:`parted`. Raises ModelError for one below 0, too."""
    path, scale = parted(text, option)
    if float(scale[1:] or 1) < 0:
        raise _wrong(option, path, f"{scale[1:]}, but must be 0 or more")
    return path, float(scale[1:] or 1)


def parted(text: str, option: Option) -> tuple[str, str]:
    """The path, and the scale with its colon or nothing. Raises ModelError if the scale is no finite number."""
    path, colon, scale = text.rpartition(":")
    if not colon or not path or option.path(text).exists():
        return text, ""
    try:
        if math.isfinite(float(scale)):
            return path, colon + scale
    except ValueError:
        pass
    if not option.path(path).exists():
        return text, ""
    raise _wrong(option, path, f"{shorten(scale)}, but must be a number")


def _wrong(option: Option, path: str, what: str) -> ModelError:
    cause = f"The scale of the {option.called} {shorten(path)} is {what}."
    return ModelError(cause, f"{option.typed}{typed(path)}:0.8")
