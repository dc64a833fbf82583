"""Frames as sheets of tiles, from which a page can show any frame at once and exactly."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from PIL import Image

from vp2p.report.media import Media

_MOST_PIXELS = 8_000_000  # of a sheet, which phones can still decode
_LONGEST = 768  # pixels of a frame's longer side; larger frames are reduced
_LOSSLESS = 256  # sides up to which frames are kept exactly


def track(frames: np.ndarray, media: Media) -> dict[str, Any]:
    """What the page needs to show frames, uint8 RGB or RGBA (F, H, W, C): addresses and layout of the sheets."""
    frames = _reduced(frames)
    count, height, width = frames.shape[:3]
    each = min(count, max(1, _MOST_PIXELS // (height * width)))
    columns = min(each, max(1, round(math.sqrt(each * height / width))))
    sheets = [media.url(_sheet(frames[at : at + each], columns), ".webp") for at in range(0, count, each)]
    return {"sheets": sheets, "each": each, "columns": columns, "width": width, "height": height, "frames": count}


def _reduced(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    if max(height, width) <= _LONGEST:
        return frames
    size = tuple(max(1, round(side * _LONGEST / max(height, width))) for side in (width, height))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames])


def _sheet(frames: np.ndarray, columns: int) -> bytes:
    count, height, width, channels = frames.shape
    rows = math.ceil(count / columns)
    sheet = np.zeros((rows * height, columns * width, channels), np.uint8)
    for number, frame in enumerate(frames):
        top, left = number // columns * height, number % columns * width
        sheet[top : top + height, left : left + width] = frame
    lossless = max(height, width) <= _LOSSLESS
    data = io.BytesIO()
    # "exact" keeps the colour of what is clear, so that no dark seam shows where maps are enlarged.
    Image.fromarray(sheet).save(data, "WEBP", lossless=lossless, quality=70 if lossless else 90, exact=True)
    return data.getvalue()
