"""Whether an object keeps its look along its path."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from vp2p.sprites.drawing import Pose, take_sprite

_SIDE = 96
_INSIDE = 0.38  # of the glyph's square, around its middle


def unsteadiness(frames: np.ndarray, poses: Sequence[Pose]) -> float:
    """Variance over frames of the object's pixels once its motion is undone, averaged over pixels and channels.

    Each frame's glyph square is brought upright by its known pose. Only the disc in the square's
    middle counts, which objects fill for the most part, and of it what two frames or more show.

    Args:
        frames: uint8 (F, S, S, 3).
        poses: the object's pose in each frame.
    """
    taken = [take_sprite(frame, pose, _SIDE) for frame, pose in zip(frames, poses, strict=True)]
    colours = np.stack([colours for colours, _ in taken]).astype(np.float64)
    rows, columns = np.mgrid[:_SIDE, :_SIDE] / (_SIDE - 1) - 0.5
    seen = np.stack([seen for _, seen in taken]) & (np.hypot(rows, columns) < _INSIDE)
    count = seen.sum(0)
    often = count > 1
    weight, number = seen[:, often, None], count[often, None]
    values = colours[:, often]
    mean = (values * weight).sum(0) / number
    return float((((values - mean) ** 2 * weight).sum(0) / number).mean())
