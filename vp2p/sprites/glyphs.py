"""The pictures of the objects: Noto Color Emoji glyphs, kept as PNG files beside this module.

``python -m vp2p.sprites.glyphs FONT`` draws them again from the font file of the Debian package
fonts-noto-color-emoji; nothing else here needs the font.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vp2p import printing
from vp2p.sprites.language import OBJECTS

FOLDER = Path(__file__).parent / "glyphs"
SIDE = 128
_LONGEST = 120
_STRIKE = 109  # the font size at which the font's only bitmap strike, of 136 pixels, is chosen
_CODEPOINTS = dict(
    zip(
        OBJECTS,
        (0x1F408, 0x1F415, 0x1F407, 0x1F405, 0x1F427, 0x1F40E, 0x1F426, 0x1F404, 0x1F416, 0x1F418, 0x1F422, 0x1F41F,
         0x1F986, 0x1F989, 0x1F980, 0x1F98B, 0x1F697, 0x1F68C, 0x1F69C, 0x26F5, 0x1F680, 0x1F333, 0x1F33B, 0x1F344),
        strict=True,
    )
)  # fmt: skip


def extract(font_path: str | Path, folder: Path = FOLDER) -> list[Path]:
    """Draw every object's glyph, centred in a square of 128 pixels, as ``folder``/<object>.png."""
    font = ImageFont.truetype(str(font_path), _STRIKE)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, codepoint in _CODEPOINTS.items():
        strike = Image.new("RGBA", (160, 160))
        ImageDraw.Draw(strike).text((8, 8), chr(codepoint), font=font, embedded_color=True)
        glyph = strike.crop(strike.getbbox())
        scale = _LONGEST / max(glyph.size)
        glyph = glyph.resize((round(glyph.width * scale), round(glyph.height * scale)), Image.Resampling.LANCZOS)
        square = Image.new("RGBA", (SIDE, SIDE))
        square.paste(glyph, ((SIDE - glyph.width) // 2, (SIDE - glyph.height) // 2))
        paths.append(folder / f"{name}.png")
        square.save(paths[-1], optimize=True)
    return paths


@cache
def glyph(name: str) -> np.ndarray:
    """The glyph of an object: float32 (128, 128, 4), RGB not premultiplied, values in 0..1. Read-only."""
    with Image.open(FOLDER / f"{name}.png") as picture:
        rgba = np.asarray(picture.convert("RGBA"), np.float32) / 255
    rgba.flags.writeable = False
    return rgba


if __name__ == "__main__":
    for written in extract(sys.argv[1]):
        printing.line(written.name)
