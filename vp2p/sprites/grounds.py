"""The grounds: eight procedural textures, one a place, each clear in hue and in pattern."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw


def noise(rng: np.random.Generator, side: int, cells: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Smooth noise, float32 (side, side) in 0..1, with ``cells`` (rows, columns) of detail."""
    grid = Image.fromarray(rng.random(cells, np.float32) * 255)
    smooth = np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC)) / 255
    return np.clip(smooth, 0, 1).astype(np.float32)


def _mix(low: tuple[float, ...], high: tuple[float, ...], weight: np.ndarray) -> np.ndarray:
    low_rgb, high_rgb = np.array(low, np.float32) / 255, np.array(high, np.float32) / 255
    mixed: np.ndarray = low_rgb + (high_rgb - low_rgb) * weight[..., None]
    return mixed


def _grass(rng: np.random.Generator, side: int) -> np.ndarray:
    picture = Image.new("RGB", (side, side), (58, 138, 44))
    pen = ImageDraw.Draw(picture)
    for _ in range(side * 2):
        x, y = rng.uniform(-4, side + 4), rng.uniform(-4, side + 4)
        shade = int(rng.integers(-24, 25))
        tip = (x + rng.uniform(-3, 3), y - rng.uniform(6, 13))
        pen.line([(x, y), tip], fill=(62 + shade, 148 + shade, 46 + shade // 2), width=max(2, side // 56))
    return np.asarray(picture, np.float32) / 255


def _sand(rng: np.random.Generator, side: int) -> np.ndarray:
    y = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    ripples = 0.5 + 0.5 * np.sin(2 * np.pi * (rng.uniform(5, 7) * y + 1.6 * noise(rng, side, (3, 4)) + rng.random()))
    return _mix((206, 166, 104), (240, 212, 156), 0.75 * ripples + 0.25 * noise(rng, side, (side // 2, side // 2)))


def _snow(rng: np.random.Generator, side: int) -> np.ndarray:
    drifts = 0.75 * noise(rng, side, (4, 3)) + 0.25 * noise(rng, side, (24, 24))
    return _mix((196, 212, 236), (252, 253, 255), drifts)


def _road(rng: np.random.Generator, side: int) -> np.ndarray:
    picture = _mix((78, 80, 84), (122, 124, 128), noise(rng, side, (side // 2, side // 2)))
    half, offset, period = side * 0.035, rng.uniform(0.15, 0.85) * side, side * 0.5
    rows, columns = np.mgrid[:side, :side]
    lane = (np.abs(rows - offset) < half) & ((columns + rng.uniform(0, period)) % period < period * 0.6)
    picture[lane] = np.array((242, 206, 70), np.float32) / 255
    return picture


def _water(rng: np.random.Generator, side: int) -> np.ndarray:
    y = np.linspace(0, 1, side, dtype=np.float32)[:, None]
    waves = np.sin(2 * np.pi * (rng.uniform(6, 8) * y + 1.4 * noise(rng, side, (4, 6)) + rng.random()))
    picture = _mix((24, 92, 178), (44, 134, 214), 0.5 + 0.5 * waves)
    crest = np.clip((waves - 0.8) * 6 * noise(rng, side, (10, 5)), 0, 1)[..., None]
    crested: np.ndarray = picture + (np.array((0.72, 0.9, 1.0), np.float32) - picture) * crest
    return crested


def _bricks(rng: np.random.Generator, side: int) -> np.ndarray:
    picture = Image.new("RGB", (side, side), (206, 194, 182))
    pen = ImageDraw.Draw(picture)
    height, width = side / 8, side / 4
    top, left = rng.uniform(-height, 0), rng.uniform(-width, 0)
    for row in range(10):
        for column in range(-1, 6):
            x, y = left + (column + 0.5 * (row % 2)) * width, top + row * height
            shade = int(rng.integers(-16, 17))
            pen.rectangle([x + 1, y + 1, x + width - 2, y + height - 2], fill=(168 + shade, 74 + shade, 56 + shade))
    return np.asarray(picture, np.float32) / 255 * (0.92 + 0.12 * noise(rng, side, (40, 40)))[..., None]


def _wood(rng: np.random.Generator, side: int) -> np.ndarray:
    boards = 4
    board = np.minimum((np.arange(side) * boards) // side, boards - 1)
    grain = 0.7 * noise(rng, side, (side // 3, 4)) + 0.3 * rng.random(boards).astype(np.float32)[board][:, None]
    picture = _mix((110, 66, 32), (168, 112, 62), grain)
    seams = (np.arange(side) * boards) % side < 2 * boards
    picture[seams] *= 0.4
    return picture


def _lava(rng: np.random.Generator, side: int) -> np.ndarray:
    ridge = 1 - np.abs(2 * noise(rng, side, (7, 7)) - 1)
    glow = np.clip((ridge - 0.55) / 0.42, 0, 1)
    crust = _mix((38, 20, 22), (74, 36, 32), noise(rng, side, (30, 30)))
    fire = _mix((226, 62, 8), (255, 196, 40), glow)
    molten: np.ndarray = crust + (fire - crust) * np.clip(glow * 2.2, 0, 1)[..., None]
    return molten


_PAINTERS = {
    "grass": _grass, "sand": _sand, "snow": _snow, "road": _road,
    "water": _water, "bricks": _bricks, "wood": _wood, "lava": _lava,
}  # fmt: skip


@lru_cache(maxsize=16)
def ground(place: str, seed: int, side: int = 128) -> np.ndarray:
    """The ground of a place: float32 (side, side, 3) in 0..1, the same for the same seed; not to be written to."""
    rng = np.random.default_rng([seed, list(_PAINTERS).index(place)])
    light = rng.uniform(0.92, 1.06)
    painted = np.clip(_PAINTERS[place](rng, side) * light, 0, 1).astype(np.float32)
    painted.setflags(write=False)
    return painted
