"""What touches an object in some frames is told from it by its motion and by attention."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.compositing.drawn import FRAMES, SIDE, followed, outlines, planes
from vp2p.compositing.apart import what_is_strange, what_touches
from vp2p.compositing.shapes import dilated, eroded
from vp2p.compositing.track import margin_of, track_object
from vp2p.sprites.moving import MovingScene
from vp2p.sprites.scenes import Scene

KINDS = ["another thing", "a muzzle or a wing", "its own part"]
_CAT = Scene("cat", "grass", path="slide", seed=3)


def _beside(frame: int) -> Tensor:
    """Where another thing touches the cat: bool (F, H, W), in one frame."""
    cat = outlines(_CAT)
    rows, columns = torch.where(cat[frame])
    found = torch.zeros(FRAMES, SIDE, SIDE, dtype=torch.bool)
    found[frame, rows.min() : rows.max(), columns.max() : columns.max() + 25] = True
    return found & ~cat


def _clip(thing: Tensor) -> Tensor:
    return planes(_CAT).where(~thing[:, None], torch.tensor([90.0, 60.0, 200.0])[:, None, None])


@pytest.mark.parametrize(("seen", "expected"), [(0.3, True), (0.63, False), (1.0, False)], ids=KINDS)
def test_what_leaves_the_outline_and_is_not_attended_is_another_thing(seen: float, expected: bool) -> None:
    cat, thing = outlines(_CAT), _beside(3)
    clip = _clip(thing)
    motion = followed(clip, cat | thing)
    found = what_touches(cat | thing, cat.float() + seen * thing.float(), motion, key=1)
    assert bool(found[3].any()) == expected
    assert not found[[0, 1, 2, 4, 5]].any()
    if expected:
        assert (found[3] & thing[3]).sum() > 0.5 * thing[3].sum()
        assert (found[3] & cat[3]).sum() < 0.02 * cat[3].sum()


def test_a_track_leaves_other_things_to_the_clip() -> None:
    cat, thing = outlines(_CAT), _beside(3)
    clip = _clip(thing)
    prior = 0.1 + 0.9 * cat.float() + 0.2 * thing.float()
    track = track_object(clip, clip, dilated(cat | thing, 4).float(), prior)
    assert (track.objects[3] & thing[3]).sum() < 0.4 * thing[3].sum()
    assert (track.objects & cat).sum() > 0.95 * cat.sum()


def test_without_anything_to_follow_nothing_is_told_apart() -> None:
    clip, shapes = torch.full((3, 3, 64, 64), 120.0), torch.zeros(3, 64, 64, dtype=torch.bool)
    shapes[:, 20:40, 20:40] = True
    shapes[1, 20:40, 40:60] = True
    motion = followed(clip, shapes)
    assert not what_touches(shapes, torch.zeros(3, 64, 64), motion, key=0).any()


_BEHIND = MovingScene("elephant", "water", path="grow", seed=9109, bend="squash", camera="zoom", cover="front")


def _passing() -> tuple[Tensor, Tensor]:
    """The elephant where it is seen, and the post near it, whose colours are among the elephant's: bool (F, H, W)."""
    post = torch.from_numpy(_BEHIND.hidden(FRAMES, SIDE)) & dilated(outlines(_BEHIND), 6)
    return outlines(_BEHIND) & ~post, post


@pytest.mark.parametrize(("seen", "expected"), [(0.5, True), (0.63, False), (1.0, False)], ids=KINDS)
def test_what_other_frames_do_not_show_and_is_not_attended_is_another_thing(seen: float, expected: bool) -> None:
    elephant, post = _passing()
    clip, objects = planes(_BEHIND), elephant | post
    margin = margin_of(clip)
    familiar = followed(clip, objects).familiar
    found = what_is_strange(
        eroded(dilated(objects, margin), margin), clip, elephant.float() + seen * post.float(), familiar, margin
    )
    assert bool(found.any()) == expected
    if expected:
        assert (found & post).sum() > 0.6 * post.sum()
        assert (found & elephant).sum() < 0.03 * elephant.sum()


def test_a_piece_that_attention_is_too_coarse_for_is_known_by_its_colours() -> None:
    elephant, post = _passing()
    clip, objects = planes(_BEHIND), elephant | post
    margin, upon = margin_of(clip), 3
    prior = elephant.float() + 0.5 * post.float()
    prior[upon][post[upon]] = 0.9
    familiar = followed(clip, objects).familiar
    found = what_is_strange(eroded(dilated(objects, margin), margin), clip, prior, familiar, margin)
    assert (found[upon] & post[upon]).sum() > 0.6 * post[upon].sum()


def test_a_track_leaves_a_post_in_front_of_what_bends_to_the_clip() -> None:
    elephant, post = _passing()
    clip = planes(_BEHIND)
    track = track_object(clip, clip, dilated(elephant | post, 4).float(), 0.1 + 0.9 * elephant + 0.4 * post)
    assert (track.objects & post).sum() < 0.15 * post.sum()
    assert (track.objects & elephant).sum() > 0.9 * elephant.sum()
    assert track.front is not None and (track.front & post).sum() > 0.6 * post.sum()
    hidden = track.known & track.objects  # water is blue, and the post brown
    assert hidden.sum() > 500 and (track.background[:, 2] > track.background[:, 0])[hidden].float().mean() > 0.99
