"""Whether an object keeps its look along its path: how much it changes, and how many looks it has."""

from __future__ import annotations

from typing import Sequence

import numpy as np

from vp2p.sprites.drawing import Pose, sprite, take_sprite
from vp2p.sprites.moving import MovingScene, straightened
from vp2p.sprites.scenes import Scene

_SIDE = 96
_INSIDE = 0.38  # of the glyph's square, around its middle
_APART = 30.0  # of 255, root mean square, beyond what the ideal changes: two frames' objects look like two things


def unsteadiness(frames: np.ndarray, poses: Sequence[Pose]) -> float:
    """Variance over frames of the object's pixels once its motion is undone, averaged over pixels and channels.

    Each frame's glyph square is brought upright by its known pose. Only the disc in the square's
    middle counts, which objects fill for the most part, and of it what two frames or more show.

    Args:
        frames: uint8 (F, S, S, 3).
        poses: the object's pose in each frame.
    """
    rows, columns = np.mgrid[:_SIDE, :_SIDE] / (_SIDE - 1) - 0.5
    return _variance(*_upright(frames, poses), np.hypot(rows, columns) < _INSIDE)


def along_the_surface(frames: np.ndarray, scene: Scene) -> float:
    """The same over all of the scene's object, along the known flow of its surface; hidden points do not count."""
    colours, seen = _upright(*straightened(scene, frames))
    return _variance(colours, seen & _visible(scene, len(frames), frames.shape[1]), _object(scene))


def looks(frames: np.ndarray, ideal: np.ndarray, scene: Scene) -> int:
    """Into how many groups the frames' objects fall, of which each member looks like another one.

    Args:
        frames, ideal: uint8 (F, S, S, 3), of an edit and of what it should be.
        scene: the ideal's.
    """
    visible = _visible(scene, len(frames), frames.shape[1]) & _object(scene)
    found, wanted = (_upright(*straightened(scene, clip)) for clip in (frames, ideal))
    groups = [{frame} for frame in range(len(frames))]
    for one in range(len(frames)):
        for other in range(one):
            both = visible[one] & visible[other] & found[1][one] & found[1][other]
            apart, least = (_distance(colours[one][both], colours[other][both]) for colours in (found[0], wanted[0]))
            if apart <= least + _APART:
                near = [group for group in groups if group & {one, other}]
                groups = [group for group in groups if group not in near] + [set.union(*near)]
    return len(groups)


def _upright(frames: np.ndarray, poses: Sequence[Pose]) -> tuple[np.ndarray, np.ndarray]:
    taken = [take_sprite(frame, pose, _SIDE) for frame, pose in zip(frames, poses, strict=True)]
    return np.stack([colours for colours, _ in taken]).astype(np.float64), np.stack([seen for _, seen in taken])


def _variance(colours: np.ndarray, seen: np.ndarray, inside: np.ndarray) -> float:
    seen = seen & inside
    count = seen.sum(0)
    often = count > 1
    weight, number = seen[:, often, None], count[often, None]
    values = colours[:, often]
    mean = (values * weight).sum(0) / number
    return float((((values - mean) ** 2 * weight).sum(0) / number).mean())


def _visible(scene: Scene, count: int, side: int) -> np.ndarray:
    """Where nothing stands in front of the glyph's square, upright: bool (F, side, side)."""
    if not isinstance(scene, MovingScene):
        return np.ones((count, _SIDE, _SIDE), bool)
    hidden = np.repeat(scene.hidden(count, side)[..., None].astype(np.uint8) * 255, 3, -1)
    return _upright(*straightened(scene, hidden))[0][..., 0] < 0.01


def _object(scene: Scene) -> np.ndarray:
    alpha = np.asarray(sprite(scene.object, scene.colour, scene.texture).resize((_SIDE, _SIDE)))[..., 3]
    inside: np.ndarray = alpha == 255
    return inside


def _distance(first: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(((first - other) ** 2).mean())) * 255 if len(first) else 0.0
