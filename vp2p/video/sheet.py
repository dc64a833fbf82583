"""Contact sheets: labelled rows of frames in one PNG, the source over its edits."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vp2p.atomic import Seen, swapping
from vp2p.errors import VideoError
from vp2p.text import visible

_COLUMNS = 8
_LEAST, _MOST = 128, 256  # pixels of a frame's longest side on the sheet
_GAP, _MARGIN, _FONT_SIZE, _LINES = 6, 16, 18, 2
_FIRST_EMOJI, _UNSEEN = 0x2300, "\u200c\u200d\ufe0e\ufe0f"
_PAPER, _INK = (250, 250, 248), (32, 32, 32)
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont  # the second where Pillow was built without FreeType


def contact_sheet(rows: Sequence[tuple[str, np.ndarray]], path: Path, seen: Seen = "anything") -> None:
    """Draw each row's frames, uint8 RGB of shape (F, H, W, 3), under its label, as a PNG at ``path``.

    Of more than 8 frames, 8 spread evenly are shown. Small frames are enlarged pixel by pixel, large
    ones reduced; a label takes at most two lines.

    Raises:
        VideoError: the file cannot be written.
    """
    font = ImageFont.load_default(_FONT_SIZE)
    shown = [(label, _enlarged(_subsampled(frames))) for label, frames in rows]
    inner = max(sum(image.width + _GAP for image in images) - _GAP for _, images in shown)
    inner = max(inner, 3 * _LEAST)
    labels = [_wrap(_drawable(label), font, inner) for label, _ in shown]
    line_height = _FONT_SIZE + 6
    heights = [
        len(lines) * line_height + max(image.height for image in images) for lines, (_, images) in zip(labels, shown)
    ]
    sheet = Image.new("RGB", (inner + 2 * _MARGIN, sum(heights) + _MARGIN * (len(rows) + 1)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    y = _MARGIN
    for lines, (_, images), height in zip(labels, shown, heights):
        for number, line in enumerate(lines):
            draw.text((_MARGIN, y + number * line_height), line, fill=_INK, font=font)
        x = _MARGIN
        for image in images:
            sheet.paste(image, (x, y + len(lines) * line_height))
            x += image.width + _GAP
        y += height + _MARGIN
    try:
        with swapping(Path(path), seen) as temporary:
            sheet.save(temporary, format="PNG")
    except OSError as error:
        raise VideoError(
            f"{path} cannot be written: {error.strerror}.", "free some space or choose another path"
        ) from error


def _subsampled(frames: np.ndarray) -> np.ndarray:
    if len(frames) <= _COLUMNS:
        return frames
    spread: np.ndarray = frames[np.linspace(0, len(frames) - 1, _COLUMNS).round().astype(int)]
    return spread


def _enlarged(frames: np.ndarray) -> list[Image.Image]:
    images = [Image.fromarray(frame) for frame in frames]
    longest = max(images[0].size)
    if longest < _LEAST:
        factor = -(-_LEAST // longest)
        return [
            image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST) for image in images
        ]
    if longest > _MOST:
        width, height = (max(1, round(side * _MOST / longest)) for side in images[0].size)
        return [image.resize((width, height), Image.Resampling.LANCZOS) for image in images]
    return images


def _drawable(label: str) -> str:
    """A label whose emoji are told by their names, since the font has no pictures; unseen characters as escapes."""
    return visible("".join(_name(char) for char in label if char not in _UNSEEN))


def _name(char: str) -> str:
    name = unicodedata.name(char, "").lower() if unicodedata.category(char) == "So" else ""
    return f"[{name}]" if name and ord(char) >= _FIRST_EMOJI else char


def _wrap(label: str, font: _Font, width: int) -> list[str]:
    """The label in at most two lines of ``width`` pixels; what does not fit ends in an ellipsis."""
    lines = [""]
    for word in label.split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:_LINES]
    if len(lines) > _LINES:
        kept[-1] += " …"
    return [_shorten(line, font, width) for line in kept]


def _shorten(line: str, font: _Font, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    text = line.removesuffix(" …")
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
