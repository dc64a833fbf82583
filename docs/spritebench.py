"""Makes pictures of docs/images, of cases of a bench; BENCH is the folder given to --out.

    python docs/spritebench.py BENCH object-01 object-03 colour-03
    python docs/spritebench.py --strips BENCH bend-object-00 bend-object-02

The first makes spritebench.png: three frames of the clip over its ideal edit over what methods made of it. The second
makes bending.webp: all frames of each clip over those of its edit by default.
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


def strips(bench: Path, cases: list[str]) -> Image.Image:
    """The picture: two columns of cases, half as large, the clip above its edit."""
    names, gap = ("clip", "default"), GAP // 2
    pairs = [[Image.open(strip_path(bench, case, name)).convert("RGB") for name in names] for case in cases]
    width, side = pairs[0][0].width // 2, SIDE // 2
    lines, height = -(-len(pairs) // 2), len(names) * side + gap
    picture = Image.new("RGB", (2 * width + GAP, lines * height), (250, 250, 248))
    for number, pair in enumerate(pairs):
        column, line = divmod(number, lines)
        for row, strip in enumerate(pair):
            picture.paste(strip.reduce(2), (column * (width + GAP), line * height + row * side))
    return picture


if __name__ == "__main__":
    images = Path(__file__).parent / "images"
    if sys.argv[1] == "--strips":
        strips(Path(sys.argv[2]), sys.argv[3:]).save(images / "bending.webp", quality=85)
    else:
        draw(Path(sys.argv[1]), sys.argv[2:]).quantize(256).save(images / "spritebench.png", optimize=True)
