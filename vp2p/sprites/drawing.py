"""Drawing one picture: a glyph is tinted, textured, posed and laid on a ground, then styled."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from vp2p.sprites.glyphs import SIDE, glyph

_RGB = {
    "red": (0.90, 0.11, 0.13), "yellow": (0.99, 0.84, 0.10), "green": (0.16, 0.70, 0.22),
    "blue": (0.14, 0.34, 0.93), "purple": (0.62, 0.20, 0.80), "black": (0.13, 0.13, 0.14), "white": (0.93, 0.93, 0.94),
}  # fmt: skip
_LUMA = np.array((0.299, 0.587, 0.114), np.float32)
_OVERSAMPLING = 2


@dataclass(frozen=True)
class Pose:
    """Where a glyph lies: centre as a share of the frame, size of its square as a share, tilt in degrees."""

    x: float = 0.5
    y: float = 0.5
    size: float = 0.7
    tilt: float = 0.0
    flip: bool = False


def _tint(rgb: np.ndarray, alpha: np.ndarray, colour: str) -> npt.NDArray[np.float64]:
    """The glyph in shades of one colour: its median luminance becomes the colour itself."""
    luma = rgb @ _LUMA
    inside = luma[alpha > 0.5]
    low, mid, high = np.percentile(inside, (2, 50, 98))
    shade = np.interp(luma, (low, max(mid, low + 0.05), max(high, mid + 0.05, low + 0.1)), (0.0, 0.5, 1.0))[..., None]
    base = np.array(_RGB[colour], np.float32)
    dark, light = base * 0.45, base + (1 - base) * (0.3 if colour == "black" else 0.5)
    return np.where(shade < 0.5, dark + (base - dark) * 2 * shade, base + (light - base) * (2 * shade - 1))


@lru_cache(maxsize=32)
def _pattern(texture: str, shift: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Where a texture is inked: float32 (128, 128) in 0..1, in the glyph's own square, shifted by rows and columns."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    rows, columns = rows + shift[0], columns + shift[1]
    if texture == "striped":
        signal = np.sin(2 * np.pi * (columns + 0.35 * rows) / 24)
    elif texture == "spotted":
        shifted = columns + 13 * (np.floor(rows / 26) % 2)
        signal = 8.5 - np.hypot(rows % 26 - 13, shifted % 26 - 13)
    else:
        signal = np.sin(2 * np.pi * rows / 36) * np.sin(2 * np.pi * columns / 36) * 6
    inked: npt.NDArray[np.float32] = np.clip(signal * 1.5 + 0.5, 0, 1)
    return inked


@lru_cache(maxsize=256)
def _tinted(obj: str, colour: str | None) -> tuple[np.ndarray, np.ndarray]:
    """A glyph in a colour and what a texture inks it with: (128, 128, 3) each."""
    rgba = glyph(obj)
    rgb, alpha = rgba[..., :3], rgba[..., 3]
    if colour:
        rgb = _tint(rgb, alpha, colour)
    bright = float(np.median((rgb @ _LUMA)[alpha > 0.5])) > 0.3
    return rgb, rgb * 0.25 if bright else rgb + (1 - rgb) * 0.75


@lru_cache(maxsize=32)
def _outline(obj: str) -> npt.NDArray[np.float32]:
    """What a glyph covers with its outline, (128, 128) in 0..1: a thin dark one keeps a green cat on grass in sight."""
    alpha = glyph(obj)[..., 3]
    mask = Image.fromarray((alpha * 255).astype(np.uint8))
    grown = np.asarray(mask.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(0.8)), np.float32) / 255
    covered: npt.NDArray[np.float32] = np.maximum(grown, alpha)
    return covered


@lru_cache(maxsize=1024)
def sprite(
    obj: str, colour: str | None = None, texture: str | None = None, shift: tuple[int, int] = (0, 0)
) -> Image.Image:
    """A glyph tinted, textured and outlined: an RGBA image of 128x128.

    Args:
        shift: by how many pixels (rows, columns) the texture is moved.
    """
    rgb, ink = _tinted(obj, colour)
    if texture:
        rgb = rgb + (ink - rgb) * (_pattern(texture, shift) * 0.8)[..., None]
    alpha, outline = glyph(obj)[..., 3], _outline(obj)
    covered = (rgb * alpha[..., None] + 0.08 * (outline - alpha)[..., None]) / np.maximum(outline, 1e-3)[..., None]
    return Image.fromarray((np.clip(np.dstack([covered, outline]), 0, 1) * 255 + 0.5).astype(np.uint8))


def place_sprite(picture: Image.Image, pose: Pose, side: int = 128) -> np.ndarray:
    """A sprite in its pose on an empty frame: float32 (side, side, 4), not premultiplied, in 0..1."""
    big = side * _OVERSAMPLING
    angle, scale = np.deg2rad(pose.tilt), SIDE / (pose.size * big)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    mirror = -1.0 if pose.flip else 1.0
    # Pillow asks for the way back, from a pixel of the frame to one of the glyph's square.
    a, b, d, e = mirror * cos, mirror * sin, -sin, cos
    centre_x, centre_y = pose.x * big, pose.y * big
    matrix = (a, b, SIDE / 2 - a * centre_x - b * centre_y, d, e, SIDE / 2 - d * centre_x - e * centre_y)
    posed = picture.transform((big, big), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(posed.reduce(_OVERSAMPLING), np.float32) / 255


def take_sprite(frame: np.ndarray, pose: Pose, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The way back from :func:`place_sprite`: the glyph's square as a frame shows it, upright and unmirrored.

    Args:
        frame: uint8 (H, W, 3), H equal to W.

    Returns:
        Colours, float32 (side, side, 3) in 0..1; and bool (side, side), where the square lies in the frame.
    """
    angle, scale = np.deg2rad(pose.tilt), pose.size * len(frame) / side
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    mirror = -1.0 if pose.flip else 1.0
    a, b, d, e = mirror * cos, -sin, mirror * sin, cos
    centre_x, centre_y, half = pose.x * len(frame), pose.y * len(frame), side / 2
    matrix = (a, b, centre_x - (a + b) * half, d, e, centre_y - (d + e) * half)
    picture = Image.fromarray(frame).convert("RGBA")
    taken = np.asarray(picture.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
    return taken[..., :3].astype(np.float32) / 255, taken[..., 3] == 255


def _edges(luma: np.ndarray) -> np.ndarray:
    rows, columns = np.gradient(luma)
    magnitude: np.ndarray = np.hypot(rows, columns)
    return magnitude


def _blur(plane: np.ndarray, radius: float) -> np.ndarray:
    """A Gaussian blur of a plane (H, W) or of each plane of (H, W, C); the edge is repeated."""
    if plane.ndim == 3:
        return np.dstack([_blur(plane[..., i], radius) for i in range(plane.shape[2])])
    reach = math.ceil(3 * radius)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for _ in range(2):
        height = plane.shape[0]
        padded = np.pad(plane, ((reach, reach), (0, 0)), mode="edge")
        plane = sum(k * padded[i : i + height] for i, k in enumerate(kernel)).T
    return plane


def stylise(picture: np.ndarray, alpha: np.ndarray, style: str) -> npt.NDArray[np.float32]:
    """The whole picture as a pencil sketch or a neon sign; ``picture`` (H, W, 3), ``alpha`` (H, W)."""
    inside = np.clip(alpha, 0, 1)
    weight = 0.3 + 0.7 * inside
    luma = _blur(picture @ _LUMA, 0.7)
    lines = np.clip(_edges(luma) * 4.5 * weight + _edges(_blur(inside, 0.7)) * 1.6, 0, 1)
    if style == "sketch":
        shading = 0.16 * inside * (1 - luma)
        grey = np.clip(0.97 - 0.85 * lines - shading, 0.08, 1)
        return np.repeat(grey[..., None], 3, 2).astype(np.float32)
    peak = np.maximum(picture.max(2, keepdims=True), 0.12)
    hue = np.clip((picture / peak - 0.35) / 0.65, 0.12, 1)
    glow = hue * lines[..., None]
    neon: npt.NDArray[np.float32] = np.clip(0.03 + 1.1 * glow + 1.1 * _blur(glow, 2.5), 0, 1).astype(np.float32)
    return neon


def compose(
    ground: np.ndarray, picture: Image.Image, pose: Pose, style: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One frame, float32 (H, W, 3) in 0..1, and the sprite's coverage, float32 (H, W) in 0..1."""
    placed = place_sprite(picture, pose, ground.shape[0])
    alpha = placed[..., 3]
    frame = ground + (placed[..., :3] - ground) * alpha[..., None]
    return (stylise(frame, alpha, style) if style else frame), alpha
