"""Procedural pictures with the statistics of photographs, so that the VAE is not blind beyond its scenes.

Dead leaves (occluding shapes whose sizes follow a power law), each leaf with a gradient and a 1/f
texture of its own, then light, blur and grain, as in Lee, Mumford and Huang, "Occlusion models for
natural images", IJCV 2001.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from vp2p.sprites.drawing import Pose, place_sprite, sprite
from vp2p.sprites.language import COLOURS, OBJECTS, TEXTURES

_FIELD = 256


@lru_cache(maxsize=128)
def _texture_field(index: int) -> npt.NDArray[np.float32]:
    """Noise with a 1/f^k spectrum, float32 (256, 256), zero mean and unit deviation; k and stretch vary."""
    rng = np.random.default_rng([index, 61])
    rows, columns = np.meshgrid(np.fft.fftfreq(_FIELD), np.fft.rfftfreq(_FIELD), indexing="ij")
    turn, stretch = rng.uniform(0, np.pi), rng.choice([1.0, 1.0, 2.0, 5.0])
    along = rows * np.cos(turn) + columns * np.sin(turn)
    across = (columns * np.cos(turn) - rows * np.sin(turn)) * stretch
    radius = np.maximum(np.hypot(along, across), 1 / _FIELD)
    spectrum = np.fft.rfft2(rng.standard_normal((_FIELD, _FIELD))) / radius ** rng.uniform(0.6, 1.6)
    field = np.fft.irfft2(spectrum)
    normalised: npt.NDArray[np.float32] = ((field - field.mean()) / field.std()).astype(np.float32)
    return normalised


def _colour(rng: np.random.Generator) -> np.ndarray:
    grey = rng.uniform(0.05, 0.95)
    return np.clip(grey + rng.normal(0, rng.choice([0.03, 0.1, 0.3]), 3), 0, 1).astype(np.float32)


def _surface(rng: np.random.Generator, side: int) -> np.ndarray:
    """A coloured gradient with a texture, float32 (side, side, 3)."""
    span = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    slope_x, slope_y = rng.normal(0, 0.35, (2, 3)).astype(np.float32) * rng.random()
    shade = span[:, None, None] * slope_y + span[None, :, None] * slope_x
    top, left = rng.integers(0, _FIELD - side + 1, 2)
    field = _texture_field(int(rng.integers(96)))[top : top + side, left : left + side]
    strength = rng.choice([0.0, 0.02, 0.05, 0.1, 0.18])
    tone = (1 + rng.normal(0, 0.3, 3)).astype(np.float32)
    surface: np.ndarray = _colour(rng) + shade + strength * field[..., None] * tone
    return surface


def _leaf(rng: np.random.Generator, side: int) -> Image.Image:
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    radius = min(side * 0.6, 5 * (1 - rng.random()) ** -0.7)
    x, y = rng.uniform(0, side, 2)
    kind = rng.random()
    if kind < 0.4:
        stretch = rng.uniform(0.4, 1)
        pen.ellipse([x - radius, y - radius * stretch, x + radius, y + radius * stretch], fill=255)
    else:
        corners = int(rng.integers(3, 9))
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = radius * rng.uniform(0.5, 1.3, corners)
        pen.polygon(list(zip(x + reach * np.cos(angles), y + reach * np.sin(angles))), fill=255)
    return mask.filter(ImageFilter.GaussianBlur(float(rng.choice([0.5, 0.8, 2.5])))) if rng.random() < 0.7 else mask


def photograph(rng: np.random.Generator, side: int = 128) -> npt.NDArray[np.uint8]:
    """One picture: uint8 (side, side, 3)."""
    picture = _surface(rng, side)
    for _ in range(int(rng.integers(3, 45))):
        weight = np.asarray(_leaf(rng, side), np.float32)[..., None] / 255
        picture = picture + (_surface(rng, side) - picture) * weight
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 5))):
            colour = str(rng.choice(COLOURS)) if rng.random() < 0.5 else None
            texture = str(rng.choice(TEXTURES)) if rng.random() < 0.3 else None
            x, y = rng.uniform(0, 1, 2)
            pose = Pose(x, y, rng.uniform(0.2, 0.9), rng.uniform(-180, 180), bool(rng.random() < 0.5))
            placed = place_sprite(sprite(str(rng.choice(OBJECTS)), colour, texture), pose, side)
            picture = picture + (placed[..., :3] - picture) * placed[..., 3:]
    light = np.linspace(rng.uniform(0.6, 1.1), rng.uniform(0.8, 1.2), side, dtype=np.float32)
    picture = np.clip(picture * (light[:, None, None] if rng.random() < 0.5 else light[None, :, None]), 0, 1)
    picture = picture ** rng.uniform(0.7, 1.5)
    finished = Image.fromarray((picture * 255).astype(np.uint8))
    if rng.random() < 0.5:
        finished = finished.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    grain = rng.normal(0, rng.choice([0.0, 1.5, 4.0]), (side, side, 1))
    return np.clip(np.asarray(finished, np.float32) + grain, 0, 255).astype(np.uint8)
