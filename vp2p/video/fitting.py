"""Fitting frames to a size that the model can take."""

from __future__ import annotations

import itertools
import math
import re
from typing import Literal

import numpy as np
from PIL import Image

from vp2p.errors import UsageError
from vp2p.text import shorten

Size = tuple[int, int]
Fit = Literal["crop", "pad", "stretch"]


def within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Two sides, in either order, made smaller so that no side is longer than so many pixels."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def target_size(native: Size, size: str | None, model_size: int | Size, multiple: int) -> Size:
    """Width and height, in pixels, at which a clip of ``native`` width and height is edited.

    ``size`` is as in ``ClipSettings``. By default the clip keeps its shape and gets the model's own
    area: that is the number of tokens the model was trained on, so attention maps and memory stay
    what they are for a square clip, while the same short side would make a wide clip cost more.
    The area is never more than the model's; sides are multiples of ``multiple``.

    Raises:
        UsageError: the size cannot be read, is smaller than ``multiple`` or no multiple of it.
    """
    if size is None:
        return _same_area(native, (model_size, model_size) if isinstance(model_size, int) else model_size, multiple)
    if size == "keep":
        width, height = (side // multiple * multiple for side in native)
        if not width or not height:
            raise UsageError(
                f"--size keep: the clip is {native[0]}x{native[1]}; the model needs at least {multiple}x{multiple}.",
                "leave out --size",
            )
        return width, height
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", size)
    if not found:
        raise UsageError(f"--size {shorten(size)} is not a size.", "--size 512, --size 512x320 or --size keep")
    width = int(found[1])
    height = int(found[2] or width)
    if width % multiple or height % multiple or not width or not height:
        near = _nearest_sizes(width, height, multiple, square=found[2] is None)
        raise UsageError(
            f"--size {size}: the model takes sides that are multiples of {multiple}.",
            " or ".join(f"--size {text}" for text in near),
        )
    return width, height


def _same_area(native: Size, model: Size, multiple: int) -> Size:
    """The multiples whose shape is nearest to the clip's, with no more than the model's area."""
    area = model[0] * model[1]
    ratio = native[0] / native[1]
    sides = []
    for ideal in (math.sqrt(area * ratio), math.sqrt(area / ratio)):
        low = max(multiple, int(ideal / multiple + 1e-9) * multiple)
        sides.append((low, low + multiple))
    allowed = [(w, h) for w, h in itertools.product(*sides) if w * h <= area]
    if not allowed:  # a clip so narrow that one side is at the least there is
        wide = ratio >= 1
        longest = max(multiple, area // multiple // multiple * multiple)
        return (longest, multiple) if wide else (multiple, longest)
    return min(allowed, key=lambda wh: (round(abs(math.log(wh[0] / wh[1] / ratio)), 9), -wh[0] * wh[1]))


def _nearest_sizes(width: int, height: int, multiple: int, square: bool) -> list[str]:
    def around(side: int) -> list[int]:
        low = side // multiple * multiple
        return sorted({max(low, multiple), low if low == side and low else low + multiple})

    if square:
        return [str(side) for side in around(width)]
    widths, heights = around(width), around(height)
    return list(dict.fromkeys([f"{widths[0]}x{heights[0]}", f"{widths[-1]}x{heights[-1]}"]))


def fit_frames(frames: np.ndarray, size: Size, fit: Fit) -> np.ndarray:
    """Frames brought to ``size`` (width, height) with a Lanczos filter.

    ``crop`` fills the size and cuts what overhangs, equally on both sides; ``pad`` shows everything
    and fills with black; ``stretch`` changes the shape. Every stage, and mask videos, use this one.

    Args:
        frames: uint8 of shape (F, H, W, 3); the result is uint8 of shape (F, height, width, 3).
    """
    width, height = size
    native_height, native_width = frames.shape[1:3]
    if (native_width, native_height) == size:
        same: np.ndarray = frames.copy()
        return same
    box = (0.0, 0.0, float(native_width), float(native_height))
    inner = size
    if fit == "crop":
        scale = max(width / native_width, height / native_height)
        left = (native_width - width / scale) / 2
        top = (native_height - height / scale) / 2
        box = (max(left, 0.0), max(top, 0.0), native_width - max(left, 0.0), native_height - max(top, 0.0))
    elif fit == "pad":
        scale = min(width / native_width, height / native_height)
        inner = (max(1, round(native_width * scale)), max(1, round(native_height * scale)))
    fitted = np.zeros((len(frames), height, width, 3), dtype=np.uint8)
    x, y = (width - inner[0]) // 2, (height - inner[1]) // 2
    for out, frame in zip(fitted, frames):
        image = Image.fromarray(frame).resize(inner, Image.Resampling.LANCZOS, box=box)
        out[y : y + inner[1], x : x + inner[0]] = np.asarray(image)
    return fitted


def fit_matrix(native: Size, size: Size, fit: Fit) -> np.ndarray:
    """How :func:`fit_frames` brings pixels of ``native`` frames to fitted ones: a matrix (2, 3) for points (x, y)."""
    (width, height), (native_width, native_height) = size, native
    across, down = width / native_width, height / native_height
    left, top = 0.0, 0.0
    if fit == "crop":
        across = down = max(across, down)
        left, top = (width - across * native_width) / 2, (height - down * native_height) / 2
    elif fit == "pad":
        scale = min(across, down)
        inner = (max(1, round(native_width * scale)), max(1, round(native_height * scale)))
        across, down = inner[0] / native_width, inner[1] / native_height
        left, top = float((width - inner[0]) // 2), float((height - inner[1]) // 2)
    return np.array([[across, 0, across / 2 - 0.5 + left], [0, down, down / 2 - 0.5 + top]])
