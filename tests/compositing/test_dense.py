"""The motion of what bends, against drawn clips whose flow is known."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
import torch

from tests.compositing.drawn import followed
from vp2p.compositing.foreground import Drawn, find_foreground
from vp2p.compositing.motion.affine import grid
from vp2p.compositing.motion.alignment import ObjectPictures, through
from vp2p.compositing.motion.dense import DenseMotion, dense_motion
from vp2p.compositing.motion.similarity import Similarity
from vp2p.compositing.propagate import propagate
from vp2p.compositing.track import ObjectTrack, follow_object
from vp2p.sprites.moving import MovingScene
from vp2p.sprites.scenes import Scene

FRAMES, SIDE = 8, 128
# Much texture, as fur has: it tells of motion everywhere.
BENDING = MovingScene("dog", "grass", texture="spotted", path="slide", seed=4, bend="bow", camera="pan")


def planes(scene: Scene, frames: int = FRAMES, side: int = SIDE) -> torch.Tensor:
    return torch.from_numpy(scene.render(frames, side)).permute(0, 3, 1, 2).float()


def masks(scene: Scene, frames: int = FRAMES, side: int = SIDE) -> torch.Tensor:
    return torch.from_numpy(scene.masks(frames, side))


@cache
def true_flow(scene: MovingScene, side: int) -> np.ndarray:
    return scene.flow(0, FRAMES, side)


def off_the_way(motion: DenseMotion, scene: MovingScene, frame: int) -> np.ndarray:
    """How far from frame 0's point of the object the field leads from where that is seen in another, in pixels."""
    flow = true_flow(scene, motion.size[0])[frame]
    rows, columns = np.nonzero(np.isfinite(flow).all(-1))
    there = np.stack([columns, rows], 1) + flow[rows, columns]
    x, y = np.rint(there).astype(int).clip(0, motion.size[0] - 1).T
    back = there + motion.field(0, frame, grid(motion.size, torch.device("cpu")))[:, y, x].T.numpy()
    return np.linalg.norm(back - np.stack([columns, rows], 1), axis=1)


@pytest.fixture(scope="module")
def motion() -> DenseMotion:
    found = followed(planes(BENDING), masks(BENDING))
    assert isinstance(found, DenseMotion)  # it bends
    return found


def test_what_bends_is_followed_to_a_pixel_and_a_half(motion: DenseMotion) -> None:
    for frame in range(1, FRAMES):
        assert np.median(off_the_way(motion, BENDING, frame)) < 1.5
    assert motion.reach.shape == (FRAMES, FRAMES) and bool((motion.reach > 0.25).all())
    still = motion.warp(planes(BENDING)[0], 0, 0)[0]
    assert (still - planes(BENDING)[0]).abs().max() < 1e-2


def test_a_similarity_is_further_off(motion: DenseMotion) -> None:
    stiff = followed(planes(BENDING), masks(BENDING), "similarity")
    clip, inside = planes(BENDING), masks(BENDING)
    errors = [
        torch.stack([(one.warp(clip[0], 0, t)[0] - clip[t]).abs().mean(0)[inside[t]].mean() for t in range(1, FRAMES)])
        for one in (motion, stiff)
    ]
    assert errors[0].mean() < 0.5 * errors[1].mean()


@pytest.mark.parametrize("path", ["slide", "turn", "grow"])
def test_what_is_stiff_is_told_and_stays_exact(path: str) -> None:
    scene = Scene("bus", "bricks", path=path, seed=4)
    assert isinstance(followed(planes(scene), masks(scene)), Similarity)


def test_petals_that_sway_are_not_taken_for_the_next_ones() -> None:
    scene = Scene("flower", "wood", path="turn", seed=7022)
    assert isinstance(followed(planes(scene), masks(scene)), Similarity)


def test_large_frames_are_followed_by_small_ones() -> None:
    motion = dense_motion(planes(BENDING, FRAMES, 288)[:2], masks(BENDING, FRAMES, 288)[:2])
    assert motion.size == (288, 288) and max(motion.small) == 256
    assert np.median(off_the_way(motion, BENDING, 1)) < 3.5


def test_what_moves_without_an_order_is_not_followed() -> None:
    clip = torch.rand(3, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 255
    objects = torch.zeros(3, 96, 96, dtype=torch.bool)
    objects[:, 20:76, 20:76] = True
    reach = dense_motion(clip, objects).reach
    assert reach[~torch.eye(3, dtype=torch.bool)].max() < 0.25
    track = dataclasses.replace(follow_object(clip, objects), motion=dense_motion(clip, objects))
    assert track.key_frames() == [] and track.hard_frames([0]) == [1, 2]


@pytest.fixture(scope="module")
def track() -> ObjectTrack:
    return follow_object(planes(BENDING), masks(BENDING))


def test_the_new_look_bends_where_the_old_one_bent(track: ObjectTrack) -> None:
    scene = BENDING.replace(colour="red")
    wanted, inside = planes(scene), masks(scene)
    foreground = find_foreground(track, Drawn(0, wanted[0], track.coarse_mask[0]), replaces=False)
    made = propagate(track, [foreground], planes(BENDING), replaces=False)
    for frame in range(1, FRAMES):
        apart = (made.frames[frame] - wanted[frame]).abs().mean(0)[inside[frame]].mean()
        assert apart < 0.35 * (planes(BENDING)[frame] - wanted[frame]).abs().mean(0)[inside[frame]].mean()
    assert made.motions[0].keys == (0,) and made.motions[0].hard == ()


def test_two_key_frames_are_nearer_than_one(track: ObjectTrack) -> None:
    """Of what the clip's own colours do not tell."""
    scene = BENDING.replace(texture="striped")
    wanted, inside = planes(scene), masks(scene)
    foregrounds = [
        find_foreground(track, Drawn(key, wanted[key], track.coarse_mask[key]), replaces=False) for key in (0, 5)
    ]
    errors = []
    for given in (foregrounds[:1], foregrounds):
        frames = propagate(track, given, planes(BENDING), replaces=False).frames
        errors.append((frames - wanted).abs().mean(1)[[3, 4, 6, 7]][inside[[3, 4, 6, 7]]].mean())
    assert errors[1] < errors[0]


def test_where_there_is_no_object_nothing_is_drawn() -> None:
    """A frame whose object is out of sight stays as it is, and the others are made all the same."""
    clip, objects = planes(BENDING), masks(BENDING)
    objects[4], gone = False, planes(BENDING)[4]
    track = follow_object(clip, objects)
    assert torch.isfinite(track.motion.reach).all() and torch.isfinite(track.motion.certainty(0, 4)).all()
    scene = BENDING.replace(object="cat", texture=None)
    foreground = find_foreground(track, Drawn(0, planes(scene)[0], track.coarse_mask[0]), replaces=True)
    made = propagate(track, [foreground], clip, replaces=True)
    assert torch.isfinite(made.frames).all() and torch.equal(made.frames[4], gone) and not made.new[4].any()
    assert not torch.equal(made.frames[3], clip[3]) and made.motions[0].hard == (4,)


def test_of_a_long_clip_some_frames_are_asked() -> None:
    scene = MovingScene("dog", "grass", texture="spotted", path="slide", seed=4, bend="bow")
    reach = dense_motion(planes(scene, 30, 48), masks(scene, 30, 48)).reach
    asked = (reach > 0).sum(1) > 1
    assert int(asked.sum()) == 12 and bool(asked[0]) and bool(asked[29]) and bool((reach.diagonal() == 1).all())


def test_frames_between_tell_the_way_where_a_pattern_repeats() -> None:
    """Stripes that move on by two and a half of their widths look the same after two, or three."""
    columns = np.arange(96, dtype=np.float32)

    def frame(shift: float) -> np.ndarray:
        stripes = np.tile(128 + 100 * np.sin((columns - shift) * 2 * np.pi / 16), (64, 1))
        return np.repeat(stripes[..., None], 3, axis=2).astype(np.float32)

    masks = np.ones((2, 64, 96), bool)
    clip = np.stack([frame(0), frame(40)])
    way = ObjectPictures.of(clip, masks, [np.stack([frame(shift) for shift in range(4, 40, 4)])])
    inner, half_a_stripe = (slice(16, 48), slice(48, 56)), 8
    for frames, shift in (((0, 1), 40), ((1, 0), -40)):
        apart = through(way, *frames)[inner][..., 0] - shift
        directly = through(ObjectPictures.of(clip, masks, [clip[:0]]), *frames)[inner][..., 0] - shift
        assert np.abs(apart).mean() < half_a_stripe < np.abs(directly).mean()
