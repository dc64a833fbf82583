"""One look in all frames, on clips whose objects, motion and ground are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from tests.compositing.drawn import FRAMES, SIDE, outlines, planes
from vp2p.compositing.foreground import Drawn, find_foreground, in_place
from vp2p.compositing.propagate import propagate
from vp2p.compositing.shapes import dilated
from vp2p.compositing.track import ObjectTrack, track_object
from vp2p.sprites.grounds import ground
from vp2p.sprites.scenes import Scene

SCENE = Scene("cat", "bricks", path="leave", seed=8)
NEW = SCENE.replace(object="pig")


def cells(shapes: Tensor) -> Tensor:
    """Loose masks of 16 x 16 cells."""
    return max_pool2d(max_pool2d(shapes.float()[:, None], 8, stride=8), 3, stride=1, padding=1)[:, 0]


def coarse_mask(*scenes: Scene) -> Tensor:
    """As the edit's mask would be, at the frames' size."""
    return interpolate(cells(outlines(*scenes))[:, None], size=(SIDE, SIDE))[:, 0]


def look_of(track: ObjectTrack, frame: int, replaces: bool, scene: Scene = NEW):
    return find_foreground(track, Drawn(frame, planes(scene)[frame], coarse_mask(SCENE, scene)[frame]), replaces)


@pytest.fixture(scope="module")
def track() -> ObjectTrack:
    clip = planes(SCENE)
    return track_object(clip, clip, coarse_mask(SCENE))


def test_a_shot_knows_its_object_its_motion_and_its_ground(track):
    true = outlines(SCENE)
    assert (track.objects & true).sum() > 0.97 * true.sum() and (track.objects & ~true).sum() < 0.15 * true.sum()
    assert track.further_keys(track.key_frames()[0]) == [] == track.hard_frames(track.key_frames()[:1])
    # In the end half of it is beyond the edge, so the key is one of the first frames.
    assert track.key_frames() and max(track.key_frames()) < FRAMES - 1
    behind = torch.from_numpy(ground("bricks", 8, SIDE).copy()).permute(2, 0, 1) * 255
    known = track.known & true
    assert known.sum() > 0.3 * true.sum() and (track.background - behind).abs().amax(1)[known].mean() < 3


def test_the_look_is_seen_in_every_frame_and_the_clip_around_it(track):
    key = track.key_frames()[0]
    own = torch.rand(FRAMES, 3, SIDE, SIDE) * 255  # what the frames' own edits show does not matter
    frames = propagate(track, [look_of(track, key, replaces=True)], own, replaces=True).frames
    wanted, clip = planes(NEW), planes(SCENE)
    inner = ~(max_pool2d((~outlines(NEW)).float()[:, None], 9, stride=1, padding=4)[:, 0] > 0)
    outside = max_pool2d(outlines(SCENE, NEW).float()[:, None], 13, stride=1, padding=6)[:, 0] == 0
    for frame in range(FRAMES):
        assert (frames[frame] - wanted[frame]).abs().amax(0)[inner[frame]].mean() < 12
        assert torch.equal(frames[frame][:, outside[frame]], clip[frame][:, outside[frame]])


def test_the_old_object_is_gone(track):
    key = track.key_frames()[0]
    frames = propagate(track, [look_of(track, key, replaces=True)], planes(NEW), replaces=True).frames
    bared = outlines(SCENE) & ~(max_pool2d(outlines(NEW).float()[:, None], 9, stride=1, padding=4)[:, 0] > 0)
    left = (frames - planes(SCENE)).abs().amax(1)[bared]
    wrong = (frames - planes(NEW)).abs().amax(1)[bared]
    assert bared.sum() > 200 and wrong.median() < 10 < left.median()


def test_what_keeps_its_outline_changes_inside_it_alone(track):
    scene = SCENE.replace(colour="blue")
    key = track.key_frames()[0]
    foreground = look_of(track, key, replaces=False, scene=scene)
    assert foreground.spill < 0.1
    frames = propagate(track, [foreground], planes(scene), replaces=False).frames
    outside = max_pool2d(outlines(SCENE).float()[:, None], 9, stride=1, padding=4)[:, 0] == 0
    assert torch.equal(frames.movedim(1, -1)[outside], planes(SCENE).movedim(1, -1)[outside])
    assert (frames - planes(scene)).abs().mean() < 3


def test_a_frame_that_the_key_does_not_reach_is_a_key_itself(track):
    confidence = track.motion.confidence.clone()
    confidence[3] = 0.0
    lost = dataclasses.replace(track, motion=dataclasses.replace(track.motion, confidence=confidence))
    key = lost.key_frames()[0]
    assert 3 not in lost.key_frames() and lost.further_keys(key) == [3]
    assert lost.hard_frames([key]) == [3] and lost.hard_frames([key, 3]) == []
    foregrounds = [look_of(lost, frame, replaces=True) for frame in (key, 3)]
    frames = propagate(lost, foregrounds, planes(NEW), replaces=True).frames
    inner = ~(max_pool2d((~outlines(NEW)).float()[:, None], 9, stride=1, padding=4)[:, 0] > 0)
    for frame in range(FRAMES):
        assert (frames[frame] - planes(NEW)[frame]).abs().amax(0)[inner[frame]].mean() < 12


def test_of_frames_that_are_alike_the_middle_one_is_the_key(track):
    """Errors of the motion, of a tenth of a degree, do not choose."""
    upright = torch.eye(2, 3).repeat(FRAMES, 1, 1)
    upright[:, 1, 0] = torch.tensor([0.0, -0.002, 0.001, 0.002, -0.001, 0.0])
    upright[:, 0, 1] = -upright[:, 1, 0]
    motion = dataclasses.replace(track.motion, matrices=upright, confidence=torch.ones(FRAMES))
    objects = track.objects[:1].expand(FRAMES, -1, -1)
    alike = dataclasses.replace(track, motion=motion, objects=objects, background=track.clip)
    assert alike.key_frames() == [3, 2, 4, 1, 5, 0]


def test_a_frame_whose_outline_holds_other_things_is_no_key(track):
    """Such as a post that passes in front: there the outline is larger than usual."""
    upright = torch.eye(2, 3).repeat(FRAMES, 1, 1)
    motion = dataclasses.replace(track.motion, matrices=upright, confidence=torch.ones(FRAMES))
    objects = track.objects[:1].repeat(FRAMES, 1, 1)
    objects[3, :, SIDE // 2 : SIDE // 2 + SIDE // 8] = True
    held = dataclasses.replace(track, motion=motion, objects=objects, background=track.clip)
    assert held.key_frames() == [2, 4, 1, 5, 0]
    objects = track.objects[:1].expand(FRAMES, -1, -1)
    prior = objects.float()
    prior[2:] *= 0.8  # something else is inside the outline, and the outline as large as ever
    assert dataclasses.replace(held, objects=objects, prior=prior).key_frames() == [1, 0, 3, 2, 4, 5]


def test_a_frame_at_whose_border_the_object_stands_is_a_late_key(track):
    """A larger object would be cut off there, and a frame that cuts it off tells nothing of how well it is attended."""
    upright = torch.eye(2, 3).repeat(FRAMES, 1, 1)
    motion = dataclasses.replace(track.motion, matrices=upright, confidence=torch.ones(FRAMES))
    objects = torch.zeros_like(track.objects)
    for frame, left in enumerate([24, 20, 16, 1, 24, 24]):
        objects[frame, 20:44, left : left + 24] = True
    moved = dataclasses.replace(track, motion=motion, objects=objects, background=track.clip)
    assert moved.key_frames()[-1] == 3
    objects[3] = False
    objects[3, 20:44, :23] = True
    prior = objects.float()
    prior[[0, 1, 2, 4, 5]] *= 0.7
    assert dataclasses.replace(moved, objects=objects, prior=prior).key_frames()[-1] == 3


def test_a_frame_with_other_things_beside_the_object_is_the_last_to_be_the_key(track):
    upright = torch.eye(2, 3).repeat(FRAMES, 1, 1)
    motion = dataclasses.replace(track.motion, matrices=upright, confidence=torch.ones(FRAMES))
    objects, still = (planes[:1].expand(FRAMES, *planes.shape[1:]) for planes in (track.objects, track.clip))
    clip = still.clone()
    clip[3].masked_fill_(dilated(objects[:1], SIDE // 16)[0], 255.0)
    held = dataclasses.replace(track, clip=clip, motion=motion, objects=objects, background=still)
    held = dataclasses.replace(held, known=torch.ones_like(track.known))
    assert held.key_frames() == [2, 4, 1, 5, 0, 3]


def test_a_frame_in_the_shadow_is_no_key_where_another_is_lit(track):
    objects, clip = (planes[:1].expand(FRAMES, *planes.shape[1:]).clone() for planes in (track.objects, track.clip))
    clip[2:5] *= 0.6
    motion = dataclasses.replace(
        track.motion, matrices=torch.eye(2, 3).repeat(FRAMES, 1, 1), confidence=torch.ones(FRAMES)
    )
    held = dataclasses.replace(track, clip=clip, background=clip, motion=motion, objects=objects)
    assert held.key_frames()[:3] == [1, 5, 0] and held.clearest in (0, 1, 5)


def test_other_things_are_neither_the_object_nor_the_background(track):
    clip = track.clip.clone()
    clip[:, :, 4:14, 4:14] = 255.0
    beside = dataclasses.replace(track, clip=clip, background=track.clip, known=torch.ones_like(track.known))
    box = torch.zeros_like(track.known)
    box[:, 4:14, 4:14] = True
    seen = ~track.objects
    assert (beside.others & box & seen).sum() > 0.95 * (box & seen).sum()
    assert not (beside.others & ~dilated(box, 2 * track.margin)).any()
    assert not (beside.others & track.objects).any()


def test_where_nothing_is_followed_there_is_no_key(track):
    nothing = dataclasses.replace(track.motion, confidence=torch.zeros(FRAMES))
    assert dataclasses.replace(track, motion=nothing).key_frames() == []


def test_an_object_of_another_size_elsewhere_is_put_in_place(track):
    key = track.key_frames()[0]
    pose = NEW.poses(FRAMES)[key]
    smaller = dataclasses.replace(pose, size=pose.size * 0.7, x=pose.x - 0.05, y=pose.y + 0.06)
    picture = torch.from_numpy(dataclasses.replace(NEW, path="still", pose=smaller).render(1, SIDE))
    foreground = find_foreground(
        track, Drawn(key, picture[0].permute(2, 0, 1).float(), track.coarse_mask[key]), replaces=True
    )
    placed = in_place(foreground, track)
    wanted = outlines(NEW)[key]
    before, after = (
        float(((x.alpha > 0.5) & wanted).sum() / ((x.alpha > 0.5) | wanted).sum()) for x in (foreground, placed)
    )
    assert before < 0.7 and after > 0.8
    assert placed.spill > foreground.spill  # it is larger now


def test_an_object_in_its_place_stays_there(track):
    foreground = look_of(track, track.key_frames()[0], replaces=True, scene=SCENE)
    assert (in_place(foreground, track).alpha - foreground.alpha).abs().mean() < 0.02
    assert foreground.spill < 0.05


def test_ground_that_no_frame_shows_is_filled_smoothly_not_streaked(track):
    """Where neither another frame nor the look's own tells the ground, as beyond its edge."""
    key = track.key_frames()[0]
    blind = dataclasses.replace(track, known=torch.zeros_like(track.known))
    away = torch.tensor([[1.0, 0.0, 200.0], [0.0, 1.0, 0.0]])  # the other frames see nothing of the look's
    to = away.expand(FRAMES, 2, 3).clone()
    to[key] = torch.eye(2, 3)
    blind = dataclasses.replace(blind, motion=dataclasses.replace(track.motion, matrices=to))
    foreground = look_of(track, key, replaces=True)
    other = next(frame for frame in range(FRAMES) if frame != key)
    frame = propagate(blind, [foreground], planes(NEW), replaces=True).frames[other]
    inside = ~(max_pool2d((~track.objects[other]).float()[None, None], 5, stride=1, padding=2)[0, 0] > 0)
    assert (frame[:, :, 1:] - frame[:, :, :-1]).abs().amax(0)[inside[:, 1:]].mean() < 3
    outside = max_pool2d(track.objects[other].float()[None, None], 5, stride=1, padding=2)[0, 0] == 0
    assert torch.equal(frame[:, outside], planes(SCENE)[other][:, outside])
