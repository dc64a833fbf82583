"""The motion that an edit was made along, drawn on the clip's frames: an arrow from each part of the object."""

from __future__ import annotations

from typing import Sequence

import cv2
import numpy as np
from PIL import Image

from vp2p.compositing.followed import FollowedMotion, hard_frames, key_frames

# Orange and blue are told apart by colour-blind people, too. From uncertain over half certain to certain.
CERTAINTY = ((230, 97, 0), (250, 240, 200), (60, 170, 255))
KEY, HARD = (204, 121, 167), (213, 94, 0)
LONGEST = 1.35  # cells: longer arrows would touch each other, of which each second cell has one
_HEAD = 0.35  # cells: of an arrow's head
_SHIFT = 4  # bits: lines are drawn to a sixteenth of a pixel
_DASH = 12  # pixels


def motion_drawn(frames: np.ndarray, motions: Sequence[FollowedMotion], side: int) -> np.ndarray:
    """Frames, uint8 RGB (F, H, W, 3), in grey, with the motions over them; ``side`` pixels on the longer side.

    Arrows lead towards the place in the key frame, all shortened alike until none is too long. Key frames have a
    border, and hard frames one in dashes.
    """
    scale = side / max(frames.shape[1:3])
    height, width = (max(1, round(length * scale)) for length in frames.shape[1:3])
    grey = [Image.fromarray(frame).convert("L").resize((width, height), Image.Resampling.LANCZOS) for frame in frames]
    drawn = np.stack([np.asarray(one.convert("RGB")) for one in grey])
    keys, hard = key_frames(motions), hard_frames(motions)
    for motion in motions:
        cell = side / max(motion.mask.shape[1:])
        shown = min(scale, LONGEST * cell / max(longest(motions), 1e-6))
        for number, picture in enumerate(drawn):
            _draw_arrows(picture, motion.field[number] * shown, motion.mask[number], motion.certainty[number])
    for number, picture in enumerate(drawn):
        if number in keys:
            _draw_border(picture, KEY, dashed=False)
        if number in hard:
            _draw_border(picture, HARD, dashed=True)
    return drawn


def longest(motions: Sequence[FollowedMotion]) -> float:
    """How far the objects' parts are from their places in the key frames, at most, in pixels of the clip."""
    lengths = [np.hypot(*motion.field.swapaxes(0, 1)) * (motion.mask > 0.5) for motion in motions]
    return max(float(one.max()) for one in lengths)


def marks(motions: Sequence[FollowedMotion]) -> dict[str, tuple[int, ...]]:
    """What some frames are to these, in words, and which."""
    return {"key frame": key_frames(motions), "hard to follow": hard_frames(motions)}


def colours(certainty: np.ndarray) -> np.ndarray:
    """uint8 RGB, in a further last axis, of a certainty in 0…1."""
    stops = np.linspace(0, 1, len(CERTAINTY))
    found = np.stack([np.interp(certainty, stops, channel) for channel in zip(*CERTAINTY)], axis=-1)
    pixels: np.ndarray = found.round().astype(np.uint8)
    return pixels


def _draw_arrows(picture: np.ndarray, field: np.ndarray, mask: np.ndarray, certainty: np.ndarray) -> None:
    """An arrow in each second cell of the object, from the middle of the cell; a dot where nothing moves."""
    inside = (mask > 0.5) & (np.indices(mask.shape).sum(0) % 2 == 0)
    rows, columns = np.nonzero(inside)
    cell = np.divide(picture.shape[1::-1], mask.shape[::-1])
    starts = (np.stack([columns, rows], 1) + 0.5) * cell - 0.5
    along = field[:, rows, columns].T
    ends, length = starts + along, np.linalg.norm(along, axis=1, keepdims=True)
    back = along / np.maximum(length, 1e-6) * np.minimum(length, _HEAD * min(cell))
    across = back[:, ::-1] * (-0.6, 0.6)
    strokes = [(starts, ends), (ends, ends - back + across), (ends, ends - back - across)]
    width = max(1, round(min(cell) / 7))
    for rim, colour in ((2, np.zeros((len(rows), 3))), (0, colours(certainty[rows, columns]))):
        for one, other in strokes:
            for start, end, paint in zip(_fine(one), _fine(other), colour.tolist()):
                cv2.line(picture, start, end, paint, width + rim, cv2.LINE_AA, _SHIFT)


def _fine(points: np.ndarray) -> list[list[int]]:
    found: list[list[int]] = np.rint(points * 2**_SHIFT).astype(int).tolist()
    return found


def _draw_border(picture: np.ndarray, colour: tuple[int, int, int], dashed: bool) -> None:
    """Around a picture, inside it, with a thin white line that parts it from what is dark there."""
    height, width = picture.shape[:2]
    thick = max(2, max(height, width) // 64)
    rows, columns = np.ogrid[:height, :width]
    inward = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns))
    picture[inward <= thick] = 255
    picture[(inward < thick) & (((rows + columns) // _DASH % 2 == 0) | (not dashed))] = colour
