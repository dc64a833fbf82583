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


def contact_sheet(
    rows: Sequence[tuple[str, np.ndarray]], path: Path, seen: Seen = "anything", columns: Sequence[str] = ()
) -> None:
    """Draw each row's frames, uint8 RGB of shape (F, H, W, 3), under its label, as a PNG at ``path``.

    Of more than 8 frames, 8 spread evenly are shown. Small frames are enlarged pixel by pixel, large
    ones reduced; a label takes at most two lines.

    Args:
        columns: labels of as many groups of frames, the same number in each; then all frames are shown. A first
            row may have fewer groups, and stands above the labels.

    Raises:
        VideoError: the file cannot be written.
    """
    font = ImageFont.load_default(_FONT_SIZE)
    shown = [(label, _enlarged(frames if columns else subsampled(frames, _COLUMNS))) for label, frames in rows]
    most = max((images for _, images in shown), key=len)
    each = len(most) // max(1, len(columns))  # frames of a group
    lefts = [place * (most[0].width + _GAP) + place // each * _MARGIN for place in range(len(most))]
    inner = max(lefts[-1] + most[0].width, 3 * _LEAST)
    group = each * (most[0].width + _GAP) - _GAP
    heads = [_wrap(_drawable(label), font, group) for label in columns]
    labels = [_wrap(_drawable(label), font, inner) for label, _ in shown]
    line_height = _FONT_SIZE + 6
    heights = [
        len(lines) * line_height + max(image.height for image in images) for lines, (_, images) in zip(labels, shown)
    ]
    head = max(map(len, heads), default=0) * line_height
    sheet = Image.new("RGB", (inner + 2 * _MARGIN, head + sum(heights) + _MARGIN * (len(rows) + 1)), _PAPER)
    draw = ImageDraw.Draw(sheet)
    y = _MARGIN
    for lines, (_, images), height in zip(labels, shown, heights):
        if heads and len(images) == len(most):
            for left, words in zip(lefts[::each], heads):
                for number, line in enumerate(words):
                    draw.text((_MARGIN + left, y + number * line_height), line, fill=_INK, font=font)
            y, heads = y + head, []
        for number, line in enumerate(lines):
            draw.text((_MARGIN, y + number * line_height), line, fill=_INK, font=font)
        for left, image in zip(lefts, images):
            sheet.paste(image, (_MARGIN + left, y + len(lines) * line_height))
        y += height + _MARGIN
    try:
        with swapping(Path(path), seen) as temporary:
            sheet.save(temporary, format="PNG")
    except OSError as error:
        raise VideoError(
            f"{path} cannot be written: {error.strerror}.", "free some space or choose another path"
        ) from error


def subsampled(frames: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the frames (F, H, W, 3), spread evenly over them."""
    if len(frames) <= most:
        return frames
    spread: np.ndarray = frames[np.linspace(0, len(frames) - 1, most).round().astype(int)]
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
