"""The judge of moving scenes is right about rendered ones, at their poses and a little beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vp2p.sprites.drawing import Pose, compose, glyph, sprite, take_sprite
from vp2p.sprites.pose_judge import PoseJudge
from vp2p.sprites.scenes import PATHS, Scene


@pytest.fixture(scope="module")
def judge() -> PoseJudge:
    return PoseJudge(ground_seeds=8)


@pytest.mark.parametrize("pose", [Pose(size=0.9), Pose(0.45, 0.55, 0.8, 10, True), Pose(0.5, 0.6, 0.7, -15)])
def test_taking_undoes_placing(pose: Pose):
    frame, _ = compose(np.zeros((128, 128, 3), np.float32), sprite("cat"), pose)
    colours, seen = take_sprite(np.uint8(frame * 255 + 0.5), pose, 128)
    rgba = glyph("cat")
    inside = (rgba[..., 3] > 0.99) & seen
    assert inside.sum() > 3000
    assert np.abs(colours - rgba[..., :3])[inside].mean() < 0.03
    mirrored, _ = take_sprite(np.uint8(frame * 255 + 0.5), replace(pose, flip=not pose.flip), 128)
    assert np.abs(mirrored - rgba[..., :3])[inside].mean() > 0.06


def test_what_lies_beyond_the_edge_is_not_seen():
    _, seen = take_sprite(np.full((64, 64, 3), 9, np.uint8), Pose(x=1.0, size=0.5), 32)
    assert seen[:, :15].all() and not seen[:, 17:].any()


@pytest.mark.parametrize("path", PATHS)
def test_rendered_frames_are_read(judge: PoseJudge, path: str):
    words = (("cat", "red", None), ("tractor", None, "striped"), ("owl", "blue", "spotted"), ("tree", None, None))
    for seed, (obj, colour, texture) in enumerate(words):
        scene = Scene(obj, ("snow", "lava")[seed % 2], colour, texture, path=path, seed=seed)
        wanted = [(obj, colour, texture, scene.place)] * 2
        found = judge.judge_at(scene.render(3)[:2], scene.poses(3)[:2])
        assert [(v.object, v.colour, v.texture, v.place) for v in found] == wanted


def test_a_pose_that_is_a_little_off_or_mirrored_does_no_harm(judge: PoseJudge):
    scene = Scene("horse", "sand", "green", seed=3)
    (pose,) = scene.poses()
    for near in (
        replace(pose, x=pose.x + 0.03),
        replace(pose, size=pose.size * 1.05),
        replace(pose, flip=not pose.flip, tilt=-pose.tilt),
    ):
        (verdict,) = judge.judge_at(scene.render(), [near])
        assert (verdict.object, verdict.colour) == ("horse", "green")


@pytest.mark.parametrize("texture, shift", [("striped", (3, 9)), ("spotted", (13, 5)), ("checkered", (9, 20))])
def test_a_texture_may_lie_anywhere(judge: PoseJudge, texture: str, shift: tuple[int, int]):
    pose = Pose(0.5, 0.5, 0.8)
    behind = np.full((128, 128, 3), 0.5, np.float32)
    frame, _ = compose(behind, sprite("bird", None, texture, shift), pose)
    (verdict,) = judge.judge_at(np.uint8(frame * 255 + 0.5)[None], [pose])
    assert (verdict.object, verdict.colour, verdict.texture) == ("bird", None, texture)
