"""The clip's own objects on an edit's ground, on scenes whose objects and grounds are known."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from tests.compositing.drawn import FRAMES, SIDE, outlines, planes
from vp2p.compositing.background import on_new_background, surrounds
from vp2p.compositing.composite import Composite, unchanged
from vp2p.compositing.track import track_background
from vp2p.sprites.scenes import Scene

SCENE = Scene("cat", "bricks", path="slide", seed=8)


def wider(shapes: Tensor, pixels: int) -> Tensor:
    side = 2 * pixels + 1
    return max_pool2d(shapes.float()[:, None], side, stride=1, padding=pixels)[:, 0] > 0


def narrower(shapes: Tensor, pixels: int) -> Tensor:
    return ~wider(~shapes, pixels)


def seen_by_words(scene: Scene) -> Tensor:
    """The ground's words reach into the object, so what seems to stand there is its core."""
    return (~narrower(outlines(scene), 8)).float()


def edit_of(scene: Scene, shift: float) -> Scene:
    """On lava, the object drawn lower by this part of the picture."""
    (pose,) = scene.replace(path="still").poses(1)
    return scene.replace(place="lava", pose=dataclasses.replace(pose, y=pose.y + shift))


@pytest.mark.parametrize("shift", [0.0, 0.08])
def test_objects_stand_on_the_new_ground_where_they_were(shift: float) -> None:
    clip, wanted, edited = planes(SCENE), planes(SCENE.replace(place="lava")), planes(edit_of(SCENE, shift))
    frames = on_new_background(track_background(clip, seen_by_words(SCENE), exact=False), unchanged(clip), edited)
    true = outlines(SCENE)
    same = (frames == clip).all(1)
    assert same[narrower(true, 4)].float().mean() > 0.99 and same[~wider(true, 4)].float().mean() < 0.05
    assert (frames - wanted).abs().mean() < 3
    # What was drawn beside the object's place is gone.
    left = outlines(edit_of(SCENE, shift)) & ~wider(true, 3)
    assert bool(left.any()) == (shift > 0)
    off, before = ((one - wanted).abs()[left[:, None].expand_as(one)].sum() for one in (frames, edited))
    assert off <= 0.25 * before


@pytest.mark.parametrize("shift", [0.0, 0.08])
def test_changed_objects_are_those_that_are_seen(shift: float) -> None:
    """A dog in the cat's place, on the ground of an edit that drew the cat, of which nothing is left."""
    dog = SCENE.replace(object="dog")
    clip, wanted = planes(SCENE), planes(dog.replace(place="lava"))
    changed = Composite(planes(dog), wider(outlines(SCENE), 2), outlines(dog))
    frames = on_new_background(
        track_background(clip, seen_by_words(SCENE), exact=False), changed, planes(edit_of(SCENE, shift))
    )
    assert (frames == changed.frames).all(1)[narrower(outlines(dog), 4)].float().mean() > 0.98
    assert (frames - wanted).abs().mean() < 4
    cat = narrower(outlines(edit_of(SCENE, shift)) & ~wider(outlines(dog), 3), 1)
    off, before = ((one - wanted).abs().mean(1)[cat].mean() for one in (frames, planes(edit_of(SCENE, shift))))
    assert cat.sum() > 50 and off < 0.5 * before


def test_an_edit_of_the_grounds_own_colours_is_taken_out_near_its_place_alone() -> None:
    """An orange cat on lava: what could be the cat is everywhere, and all of it cannot be."""
    clip, edited, wanted = planes(SCENE), planes(edit_of(SCENE, 0.0)), planes(SCENE.replace(place="lava"))
    frames = on_new_background(track_background(clip, seen_by_words(SCENE), exact=False), unchanged(clip), edited)
    far = ~wider(outlines(SCENE), SIDE // 10 + 8)
    assert far.float().mean() > 0.15 and (frames - wanted).abs().amax(1)[far].mean() < 2


def test_no_rim_of_the_old_ground_is_left() -> None:
    """Just outside an object the picture is nearer to the new ground than to the old one."""
    scene = SCENE.replace(place="snow")
    clip, wanted = planes(scene), planes(scene.replace(place="lava"))
    frames = on_new_background(track_background(clip, seen_by_words(scene), exact=False), unchanged(clip), wanted)
    rim = wider(outlines(scene), 3) & ~wider(outlines(scene), 1)
    off, old = ((one - wanted).abs().mean(1)[rim].mean() for one in (frames, clip))
    assert off < 0.15 * old


def test_thin_lines_of_the_old_ground_are_no_objects() -> None:
    scene = SCENE.replace(place="road")
    clip, wanted = planes(scene), planes(scene.replace(place="snow"))
    frames = on_new_background(track_background(clip, seen_by_words(scene), exact=False), unchanged(clip), wanted)
    away = ~wider(outlines(scene), 4)
    assert (frames - wanted).abs().amax(1)[away].mean() < 2


def test_what_no_other_frame_shows_is_filled_smoothly() -> None:
    clip, edited = planes(SCENE)[:1], planes(edit_of(SCENE, 0.08))[:1]
    frames = on_new_background(
        track_background(clip, (~outlines(SCENE)[:1]).float(), exact=True), unchanged(clip), edited
    )
    bared = outlines(edit_of(SCENE, 0.08))[:1] & ~wider(outlines(SCENE)[:1], 2)
    steps = (frames[..., 1:] - frames[..., :-1]).abs().amax(1)
    before = (edited[..., 1:] - edited[..., :-1]).abs().amax(1)
    inside = narrower(bared, 1)[..., 1:]
    assert inside.sum() > 50 and steps[inside].mean() < 0.3 * before[inside].mean()


def test_a_mask_that_tells_to_the_pixel_is_believed() -> None:
    """Also of what has the ground's own colours."""
    mask = torch.ones(FRAMES, SIDE, SIDE)
    mask[:, 40:80, 50:90] = 0
    clip, edited = planes(SCENE), planes(SCENE.replace(place="lava"))
    frames = on_new_background(track_background(clip, mask, exact=True), unchanged(clip), edited)
    assert torch.equal(frames[:, :, 42:78, 52:88], clip[:, :, 42:78, 52:88])
    far = torch.ones(SIDE, SIDE, dtype=torch.bool)
    far[10:110, 20:120] = False
    assert torch.equal(frames[:, :, far], edited[:, :, far])


def test_a_clip_in_which_nothing_stands_is_the_edit() -> None:
    clip, edited = planes(SCENE), planes(SCENE.replace(place="lava"))
    assert torch.equal(
        on_new_background(track_background(clip, torch.ones(FRAMES, SIDE, SIDE), exact=False), unchanged(clip), edited),
        edited,
    )


def test_which_masks_are_of_the_ground() -> None:
    assert surrounds(seen_by_words(SCENE)) and not surrounds(1 - seen_by_words(SCENE))
    close = torch.zeros(1, 8, 8)  # an object that fills the picture, as a grown mask of few cells shows it
    close[:, 1:7], close[:, :, 1:7] = 1, 1
    assert close.flatten().mean() > 0.8 and not surrounds(close)
    close[:, 4:] = 1
    assert surrounds(close)  # a ground below
