"""Scenes that bend: the warp is known both ways, the clip and its ideal move alike, and the flow is the surface's."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from vp2p.errors import PromptError
from vp2p.sprites.bending import BENDS, bend_points, unbend
from vp2p.sprites.drawing import place_sprite, sprite
from vp2p.sprites.moving import CAMERAS, COVERS, UPRIGHT, MovingScene

FRAMES, SIDE = 8, 128


@pytest.mark.parametrize("bend", BENDS)
def test_a_bend_is_undone_by_its_way_back(bend) -> None:
    points = np.random.default_rng(1).uniform(-0.9, 0.9, (200, 2))
    for phase in (0.0, 0.2, 0.7):
        assert np.abs(unbend(bend_points(points, bend, phase), bend, phase) - points).max() < 1e-2
    assert np.abs(bend_points(points, bend, 0.25) - bend_points(points, bend, 0.75)).max() > 0.1


@pytest.mark.parametrize(("bend", "camera"), [*zip(BENDS, (*CAMERAS, "pan"))])
def test_a_straightened_clip_shows_the_object_upright(bend, camera) -> None:
    scene = MovingScene("cat", "grass", path="turn", seed=4, bend=bend, camera=camera)
    upright = place_sprite(sprite("cat"), UPRIGHT, SIDE)
    inside = upright[..., 3] == 1
    for picture in scene.straightened(scene.render(FRAMES, SIDE)):
        assert np.abs(picture[inside] / 255 - upright[..., :3][inside]).mean() < 0.06


@pytest.mark.parametrize("cover", COVERS)
def test_the_ideal_edit_differs_where_the_objects_are_alone(cover) -> None:
    scene = MovingScene("pig", "sand", path="slide", seed=5, cover=cover, camera="zoom")
    ideal = scene.replace(object="dog")
    beside = ~(scene.masks(FRAMES, SIDE) | ideal.masks(FRAMES, SIDE))
    clip, wanted = scene.render(FRAMES, SIDE), ideal.render(FRAMES, SIDE)
    assert np.array_equal(clip[beside], wanted[beside]) and (clip[~beside] != wanted[~beside]).any()
    if cover == "front":
        assert scene.hidden(FRAMES, SIDE).any()
        assert np.array_equal(clip[scene.hidden(FRAMES, SIDE)], wanted[scene.hidden(FRAMES, SIDE)])


def test_the_flow_leads_to_the_same_point_of_the_object() -> None:
    scene = MovingScene("penguin", "snow", path="bounce", seed=6, bend="bow", camera="roll")
    clip, flow = scene.render(FRAMES, SIDE).astype(float), scene.flow(0, FRAMES, SIDE)
    rows, columns = np.nonzero(np.isfinite(flow[0]).all(-1))
    assert len(rows) > 1000 and not flow[0, rows, columns].any()
    for frame in range(1, FRAMES):
        x, y = np.rint(np.stack([columns, rows]) + flow[frame, rows, columns].T).astype(int)
        seen = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
        there, still = clip[frame][y[seen], x[seen]], clip[frame][rows[seen], columns[seen]]
        here = clip[0][rows[seen], columns[seen]]
        assert np.abs(there - here).mean() < 0.5 * np.abs(still - here).mean()


def test_a_wrong_word_is_named() -> None:
    with pytest.raises(PromptError, match="'jump' is no bend"):
        dataclasses.replace(MovingScene("cat", "grass"), bend="jump")
