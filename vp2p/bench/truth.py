"""What is known of a case: the clip, the ideal edit, and where nothing may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vp2p.bench.cases import FRAMES, SIDE, Case
from vp2p.sprites.drawing import place_sprite, sprite


@dataclass(frozen=True)
class Truth:
    """F frames of S x S pixels.

    ``clip`` and ``ideal`` are uint8 (F, S, S, 3), ``ideal`` None where there is none. ``kept`` is bool
    (F, S, S): pixels that the edit may not change, or None where it changes them all. ``bared`` is bool (F, S, S):
    where the old object was and the new one is not, or None where that is nowhere.
    """

    clip: np.ndarray
    ideal: np.ndarray | None
    kept: np.ndarray | None
    bared: np.ndarray | None


def truth(case: Case) -> Truth:
    """Draws a case."""
    scene, ideal = case.scene, case.ideal
    return Truth(
        scene.render(FRAMES, SIDE),
        None if ideal is None else ideal.render(FRAMES, SIDE),
        _kept(case),
        _bared(case),
    )


def _kept(case: Case) -> np.ndarray | None:
    """Outside both objects; of an edit of the place alone, inside the object."""
    asked = set(case.asked)
    if asked == {"place"}:
        look = sprite(case.scene.object, case.scene.colour, case.scene.texture)
        return np.stack([place_sprite(look, pose, SIDE)[..., 3] == 1 for pose in case.scene.poses(FRAMES)])
    if asked & {"place", "style"}:
        return None
    objects = case.scene.masks(FRAMES, SIDE)
    return ~(objects if case.ideal is None else objects | case.ideal.masks(FRAMES, SIDE))


def _bared(case: Case) -> np.ndarray | None:
    if case.ideal is None:
        return None
    bared: np.ndarray = case.scene.masks(FRAMES, SIDE) & ~case.ideal.masks(FRAMES, SIDE)
    return bared if bared.any() else None
