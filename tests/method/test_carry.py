"""One look in all frames, on clips whose objects, motion and ground are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from tests.method.drawn import FRAMES, SIDE, outlines, planes
from vp2p.method.carry import carried, pasted
from vp2p.method.look import find_look, in_place
from vp2p.method.shot import Shot, survey
from vp2p.sprites.grounds import ground
from vp2p.sprites.scenes import Scene

SCENE = Scene("cat", "bricks", path="leave", seed=8)
NEW = SCENE.replace(object="pig")


def cells(shapes: Tensor) -> Tensor:
    """Loose masks of 16 x 16 cells."""
    return max_pool2d(max_pool2d(shapes.float()[:, None], 8, stride=8), 3, stride=1, padding=1)[:, 0]


def loose(*scenes: Scene) -> Tensor:
    """As the edit's mask would be, at the frames' size."""
    return interpolate(cells(outlines(*scenes))[:, None], size=(SIDE, SIDE))[:, 0]


def look_of(shot: Shot, frame: int, replaces: bool, scene: Scene = NEW):
    return find_look(shot, frame, planes(scene)[frame], loose(SCENE, scene)[frame], replaces)


@pytest.fixture(scope="module")
def shot() -> Shot:
    clip = planes(SCENE)
    return survey(clip, clip, loose(SCENE))


def test_a_shot_knows_its_object_its_motion_and_its_ground(shot):
    true = outlines(SCENE)
    assert (shot.objects & true).sum() > 0.97 * true.sum() and (shot.objects & ~true).sum() < 0.15 * true.sum()
    assert all(map(shot.follows, range(FRAMES)))
    # In the end half of it is beyond the edge, so the key is one of the first frames.
    assert shot.key_frames() and max(shot.key_frames()) < FRAMES - 1
    behind = torch.from_numpy(ground("bricks", 8, SIDE)).permute(2, 0, 1) * 255
    known = shot.known & true
    assert known.sum() > 0.3 * true.sum() and (shot.ground - behind).abs().amax(1)[known].mean() < 3


def test_the_look_is_seen_in_every_frame_and_the_clip_around_it(shot):
    key = shot.key_frames()[0]
    own = torch.rand(FRAMES, 3, SIDE, SIDE) * 255  # what the frames' own edits show does not matter
    frames = carried(shot, look_of(shot, key, replaces=True), own, replaces=True).frames
    wanted, clip = planes(NEW), planes(SCENE)
    inner = ~(max_pool2d((~outlines(NEW)).float()[:, None], 9, stride=1, padding=4)[:, 0] > 0)
    outside = max_pool2d(outlines(SCENE, NEW).float()[:, None], 13, stride=1, padding=6)[:, 0] == 0
    for frame in range(FRAMES):
        assert (frames[frame] - wanted[frame]).abs().amax(0)[inner[frame]].mean() < 12
        assert torch.equal(frames[frame][:, outside[frame]], clip[frame][:, outside[frame]])


def test_the_old_object_is_gone(shot):
    key = shot.key_frames()[0]
    frames = carried(shot, look_of(shot, key, replaces=True), planes(NEW), replaces=True).frames
    bared = outlines(SCENE) & ~(max_pool2d(outlines(NEW).float()[:, None], 9, stride=1, padding=4)[:, 0] > 0)
    left = (frames - planes(SCENE)).abs().amax(1)[bared]
    wrong = (frames - planes(NEW)).abs().amax(1)[bared]
    assert bared.sum() > 200 and wrong.median() < 10 < left.median()


def test_what_keeps_its_outline_changes_inside_it_alone(shot):
    scene = SCENE.replace(colour="blue")
    key = shot.key_frames()[0]
    look = look_of(shot, key, replaces=False, scene=scene)
    assert look.misfit < 0.1
    frames = carried(shot, look, planes(scene), replaces=False).frames
    outside = max_pool2d(outlines(SCENE).float()[:, None], 9, stride=1, padding=4)[:, 0] == 0
    assert torch.equal(frames.movedim(1, -1)[outside], planes(SCENE).movedim(1, -1)[outside])
    assert (frames - planes(scene)).abs().mean() < 3


def test_a_frame_whose_motion_is_not_known_keeps_its_own(shot):
    sure = shot.motion.sure.clone()
    sure[3] = 0.0
    lost = dataclasses.replace(shot, motion=dataclasses.replace(shot.motion, sure=sure))
    own = planes(NEW)
    key = lost.key_frames()[0]
    frames = carried(lost, look_of(lost, key, replaces=True), own, replaces=True).frames
    assert 3 not in lost.key_frames()
    assert torch.equal(frames[3], pasted(lost, own, True).frames[3])


def test_where_nothing_is_followed_there_is_no_key(shot):
    nothing = dataclasses.replace(shot.motion, sure=torch.zeros(FRAMES))
    assert dataclasses.replace(shot, motion=nothing).key_frames() == []


def test_an_object_of_another_size_elsewhere_is_put_in_place(shot):
    key = shot.key_frames()[0]
    pose = NEW.poses(FRAMES)[key]
    smaller = dataclasses.replace(pose, size=pose.size * 0.7, x=pose.x - 0.05, y=pose.y + 0.06)
    picture = torch.from_numpy(dataclasses.replace(NEW, path="still", pose=smaller).render(1, SIDE))
    look = find_look(shot, key, picture[0].permute(2, 0, 1).float(), shot.loose[key], replaces=True)
    placed = in_place(look, shot)
    wanted = outlines(NEW)[key]
    before, after = (float(((x.cover > 0.5) & wanted).sum() / ((x.cover > 0.5) | wanted).sum()) for x in (look, placed))
    assert before < 0.7 and after > 0.8
    assert placed.misfit > look.misfit  # it is larger now


def test_an_object_in_its_place_stays_there(shot):
    look = look_of(shot, shot.key_frames()[0], replaces=True, scene=SCENE)
    assert (in_place(look, shot).cover - look.cover).abs().mean() < 0.02
    assert look.misfit < 0.05


def test_ground_that_no_frame_shows_is_filled_smoothly_not_streaked(shot):
    """Where neither another frame nor the look's own tells the ground, as beyond its edge."""
    key = shot.key_frames()[0]
    blind = dataclasses.replace(shot, known=torch.zeros_like(shot.known))
    away = torch.tensor([[1.0, 0.0, 200.0], [0.0, 1.0, 0.0]])  # the other frames see nothing of the look's
    to = away.expand(FRAMES, 2, 3).clone()
    to[key] = torch.eye(2, 3)
    blind = dataclasses.replace(blind, motion=dataclasses.replace(shot.motion, to=to))
    look = look_of(shot, key, replaces=True)
    other = next(frame for frame in range(FRAMES) if frame != key)
    frame = carried(blind, look, planes(NEW), replaces=True).frames[other]
    inside = ~(max_pool2d((~shot.objects[other]).float()[None, None], 5, stride=1, padding=2)[0, 0] > 0)
    assert (frame[:, :, 1:] - frame[:, :, :-1]).abs().amax(0)[inside[:, 1:]].mean() < 3
    outside = max_pool2d(shot.objects[other].float()[None, None], 5, stride=1, padding=2)[0, 0] == 0
    assert torch.equal(frame[:, outside], planes(SCENE)[other][:, outside])
