"""How a drawn object bends: warps of the glyph's own square, the same for a clip and for its ideal edit."""

from __future__ import annotations

import math
from typing import Callable, Literal, Mapping, get_args

import cv2
import numpy as np
from PIL import Image

from vp2p.sprites.glyphs import SIDE

Bend = Literal["nod", "bow", "squash", "legs", "wave", "twist"]
BENDS: tuple[Bend, ...] = get_args(Bend)
Points = np.ndarray  # (..., 2): x to the right, y down, in -1…1 of the glyph's square

ROOM = 0.8  # a glyph is drawn so much smaller, so that what bends stays in its square
_ROUNDS = 30


def bent(picture: Image.Image, bend: Bend, phase: float) -> Image.Image:
    """A sprite as it is bent at a ``phase`` of its movement, 0…1 once around: RGBA 128x128."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    places = (unbend(np.dstack([columns, rows]) / (SIDE - 1) * 2 - 1, bend, phase) + 1) / 2 * (SIDE - 1)
    rgba = np.asarray(picture, np.float32)
    rgba = np.dstack([rgba[..., :3] * rgba[..., 3:] / 255, rgba[..., 3]])  # premultiplied: rims keep their colour
    x, y = (np.ascontiguousarray(places[..., axis], np.float32) for axis in (0, 1))
    moved = cv2.remap(rgba, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0, 0))
    colours = moved[..., :3] * 255 / np.maximum(moved[..., 3:], 1)
    return Image.fromarray((np.dstack([colours, moved[..., 3]]) + 0.5).clip(0, 255).astype(np.uint8))


def unbend(points: Points, bend: Bend, phase: float) -> Points:
    """The points of the glyph that are seen at ``points`` of the bent square."""
    back: Points = _WARPS[bend](points / ROOM, math.sin(2 * math.pi * phase))
    return back


def bend_points(points: Points, bend: Bend, phase: float) -> Points:
    """The way back from :func:`unbend`: where points of the glyph are seen in the bent square."""
    seen = points * ROOM
    for _ in range(_ROUNDS):
        seen = seen + (points - unbend(seen, bend, phase)) * ROOM * 0.7
    return seen


def _nod(points: Points, much: float) -> Points:
    """The head turns about the neck, more the higher it is."""
    turn = 0.5 * much * _from(-points[..., 1], 0.0, 0.7)
    return _turned(points, turn, (0.0, 0.3))


def _bow(points: Points, much: float) -> Points:
    """The whole bends sideways above its feet."""
    height = (1 - points[..., 1]) / 2
    return np.stack([points[..., 0] - 0.3 * much * height**2, points[..., 1]], -1)


def _squash(points: Points, much: float) -> Points:
    """Lower and wider, then higher and thinner, on its feet."""
    tall = 1 + 0.2 * much
    return np.stack([points[..., 0] * math.sqrt(tall), 1 - (1 - points[..., 1]) / tall], -1)


def _legs(points: Points, much: float) -> Points:
    """What is low swings: on the left one way, on the right the other."""
    low = _from(points[..., 1], 0.1, 0.9)
    return np.stack([points[..., 0] - 0.25 * much * low * np.tanh(4 * points[..., 0]), points[..., 1]], -1)


def _wave(points: Points, much: float) -> Points:
    """What stands out on both sides, as wings and tails do, goes up and down."""
    out = _from(np.abs(points[..., 0]), 0.2, 1.0)
    return np.stack([points[..., 0], points[..., 1] - 0.3 * much * out], -1)


def _twist(points: Points, much: float) -> Points:
    """It turns out of the picture's plane, as a card does, seen in perspective."""
    angle = 0.8 * much
    depth = 1 / (math.cos(angle) - 0.3 * math.sin(angle) * points[..., 0])
    return np.stack([points[..., 0] * depth, points[..., 1] * depth * math.cos(angle)], -1)


_WARPS: Mapping[str, Callable[[Points, float], Points]] = {
    "nod": _nod, "bow": _bow, "squash": _squash, "legs": _legs, "wave": _wave, "twist": _twist,
}  # fmt: skip


def _turned(points: Points, angle: np.ndarray, middle: tuple[float, float]) -> Points:
    away = points - middle
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = away[..., 0] * cos - away[..., 1] * sin, away[..., 0] * sin + away[..., 1] * cos
    return np.stack([x, y], -1) + middle


def _from(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smoothly between."""
    share = ((values - low) / (high - low)).clip(0, 1)
    smooth: np.ndarray = share**2 * (3 - 2 * share)
    return smooth
