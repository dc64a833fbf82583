"""Makes docs/images/spritebench.png: cases of a bench, the clip over its ideal edit over what methods made of it.

    python docs/spritebench.py BENCH object-01 object-03 colour-03      # BENCH is the folder given to --out

Three frames of eight are shown of each.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from vp2p.bench.cases import SIDE
from vp2p.bench.files import strip_path

ROWS = ("clip", "ideal", "paper", "default")
SHOWN = (0, 3, 7)
COLUMNS, GAP, LEFT, TOP = 3, 8, 68, 26
FONT = ImageFont.load_default(15)


def draw(bench: Path, cases: list[str]) -> Image.Image:
    """The picture: cases side by side in blocks, a row for the clip, the ideal and each method."""
    width, height = len(SHOWN) * SIDE + 2 * GAP, len(ROWS) * (SIDE + 4) + TOP + GAP
    lines = -(-len(cases) // COLUMNS)
    picture = Image.new("RGB", (LEFT + COLUMNS * width, lines * height), (250, 250, 248))
    pen = ImageDraw.Draw(picture)
    for number, case in enumerate(cases):
        x, y = LEFT + number % COLUMNS * width, number // COLUMNS * height
        pen.text((x, y + 4), case, fill=(32, 32, 32), font=FONT)
        for row, name in enumerate(ROWS):
            at = y + TOP + row * (SIDE + 4)
            pen.text((6, at + SIDE // 2 - 8), name, fill=(32, 32, 32), font=FONT)
            with Image.open(strip_path(bench, case, name)) as strip:
                for place, frame in enumerate(SHOWN):
                    left = frame * SIDE
                    picture.paste(strip.crop((left, 0, left + SIDE, SIDE)), (x + place * SIDE, at))
    return picture


if __name__ == "__main__":
    picture = draw(Path(sys.argv[1]), sys.argv[2:]).quantize(256)
    picture.save(Path(__file__).parent / "images" / "spritebench.png", optimize=True)
