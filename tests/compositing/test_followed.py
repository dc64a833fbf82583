"""The motion that is kept with an edit, against drawn clips whose flow is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.compositing.drawn import FRAMES, outlines, planes
from tests.compositing.test_dense import BENDING, SIDE, masks
from tests.compositing.test_dense import FRAMES as LONGER
from tests.compositing.test_dense import planes as moving_planes
from vp2p.compositing.followed import FollowedMotion, followed_motion
from vp2p.compositing.motion.dense import DenseMotion
from vp2p.compositing.track import ObjectTrack, follow_object
from vp2p.sprites.scenes import Scene


@pytest.fixture(scope="module")
def track() -> ObjectTrack:
    found = follow_object(moving_planes(BENDING), masks(BENDING))
    assert isinstance(found.motion, DenseMotion)
    return found


def test_what_bends_leads_back_to_the_key_frame(track: ObjectTrack) -> None:
    motion = followed_motion(track, [0])
    assert motion.field.shape == (LONGER, 2, 24, 24) and motion.field.dtype == np.float32
    assert (motion.keys, motion.hard, motion.nearest.tolist()) == ((0,), (), [0] * LONGER)
    flow = BENDING.flow(0, LONGER, SIDE)
    for frame in range(1, LONGER):
        known = np.isfinite(flow[frame]).all(-1)
        there = np.argwhere(known)[:, ::-1] + flow[frame][known]
        cells = np.floor((there + 0.5) * 24 / SIDE).astype(int).clip(0, 23)
        found = motion.field[frame][:, cells[:, 1], cells[:, 0]].T
        assert np.median(np.linalg.norm(found + flow[frame][known], axis=1)) < 2
    assert np.abs(motion.field[0]).max() < 0.01 and (motion.certainty[0] == 1).all()
    inside = motion.mask[1:] > 0.5
    assert 0.3 < motion.certainty[1:][inside].mean() < 1


def test_the_mask_is_the_objects_share_of_each_cell(track: ObjectTrack) -> None:
    mask = followed_motion(track, [0]).mask
    assert mask.shape == (LONGER, 24, 24) and mask.min() == 0 and mask.max() == 1
    assert mask.mean() == pytest.approx(float(track.objects.float().mean()), rel=0.03)


def test_each_frame_is_led_to_the_key_frame_that_counts_most(track: ObjectTrack) -> None:
    motion = followed_motion(track, [6, 1])
    assert motion.keys == (1, 6)
    assert motion.nearest[[0, 1, 2, 5, 6, 7]].tolist() == [1, 1, 1, 6, 6, 6]
    for key in (1, 6):
        assert np.abs(motion.field[key]).max() < 0.01 and (motion.certainty[key] == 1).all()


def test_what_is_stiff_is_led_by_its_similarity() -> None:
    scene = Scene("bus", "bricks", path="slide", seed=4)
    track = follow_object(planes(scene), outlines(scene))
    motion = followed_motion(track, [0])
    first, *_, last = scene.poses(FRAMES)
    back = np.array([first.x - last.x, first.y - last.y]) * track.clip.shape[-1]
    inside = motion.mask[-1] > 0.5
    assert np.abs(motion.field[-1][:, inside].mean(1) - back).max() < 0.7
    lost = track.motion.confidence.clone()
    lost[3] = 0.1
    doubtful = followed_motion(
        dataclasses.replace(track, motion=dataclasses.replace(track.motion, confidence=lost)), [0]
    )
    assert doubtful.hard == (3,) and np.allclose(doubtful.certainty[3], 0.1)


def test_wide_frames_have_square_cells_and_an_absent_object_no_mask() -> None:
    clip = torch.rand(2, 3, 48, 96, generator=torch.Generator().manual_seed(0)) * 255
    objects = torch.zeros(2, 48, 96, dtype=torch.bool)
    objects[0, 10:30, 20:60] = True
    motion = followed_motion(follow_object(clip, objects), [0])
    assert motion.field.shape == (2, 2, 12, 24) and np.isfinite(motion.field).all()
    assert motion.mask[0].any() and not motion.mask[1].any()


def test_parts_that_do_not_fit_together_are_refused() -> None:
    plane, field, nearest = np.zeros((2, 3, 4), np.float32), np.zeros((2, 2, 3, 4), np.float32), np.zeros(2, np.int64)
    FollowedMotion((0,), (1,), nearest, field, plane, plane)
    for parts in (
        ((0,), (2,), nearest, field, plane, plane),
        ((0,), (), nearest, field[:1], plane, plane),
        ((0,), (), nearest + 2, field, plane, plane),
        ((0,), (), nearest, field, plane[:, :2], plane),
    ):
        with pytest.raises(ValueError, match="fit"):
            FollowedMotion(*parts)
