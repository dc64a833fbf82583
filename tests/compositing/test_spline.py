"""The smooth motion of an object, against drawn clips that are warped smoothly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.compositing.test_dense import FRAMES, SIDE
from vp2p.compositing.motion.alignment import ObjectPictures, between_boxes
from vp2p.compositing.motion.spline import smooth_field
from vp2p.compositing.shapes import dilated
from vp2p.sprites.bending import BENDS, Bend
from vp2p.sprites.moving import MovingScene

FRAME = 1


class Everywhere(MovingScene):
    """A scene whose flow is that of the object's whole square."""

    def masks(self, frames: int, side: int) -> np.ndarray:
        return np.ones((frames, side, side), bool)


@pytest.mark.parametrize("bend", [bend for bend in BENDS if bend != "nod"])
def test_a_smooth_bend_is_found_and_goes_on_beyond_the_outline(bend: Bend) -> None:
    scene = MovingScene("dog", "grass", texture="spotted", path="still", seed=4, bend=bend)
    masks = scene.masks(FRAMES, SIDE)
    pictures, nowhere = ObjectPictures.of(scene.render(FRAMES, SIDE), masks), np.zeros((SIDE, SIDE, 2), np.float32)
    field = smooth_field(pictures, FRAME, 0, nowhere, masks[FRAME].astype(np.float32))
    truth = Everywhere("dog", "grass", path="still", seed=4, bend=bend).flow(FRAME, FRAMES, SIDE)[0]
    astray = np.linalg.norm(field - truth, axis=-1)
    beside = dilated(torch.from_numpy(masks[[FRAME]]), 8)[0].numpy() & ~masks[FRAME]
    assert np.nanmean(np.linalg.norm(truth, axis=-1)[masks[FRAME]]) > 1.5
    assert np.nanmean(astray[masks[FRAME]]) < 0.3 and np.nanmean(astray[beside]) < 1.0


def test_what_is_hidden_has_little_say() -> None:
    """A post in front of the object moves otherwise; the smooth field is the object's."""
    scene = MovingScene("dog", "grass", texture="spotted", path="still", seed=4, bend="bow")
    clip, masks = scene.render(FRAMES, SIDE).copy(), scene.masks(FRAMES, SIDE)
    clip[FRAME, :, 60:68] = (90, 70, 50)
    field = smooth_field(
        ObjectPictures.of(clip, masks), FRAME, 0, between_boxes(masks[FRAME], masks[0]), masks[FRAME].astype(np.float32)
    )
    truth = scene.flow(FRAME, FRAMES, SIDE)[0]
    assert np.linalg.norm(field - truth, axis=-1)[masks[FRAME]].mean() < 0.5
