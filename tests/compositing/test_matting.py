"""Outlines to the pixel, on drawn clips whose objects are known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from vp2p.compositing.matting import Known, attended, matte
from vp2p.compositing.shapes import dilated, fill_holes, largest_parts, opening
from vp2p.sprites.scenes import Scene

SIDE, FRAMES = 128, 4


def drawn(scene: Scene, side: int = SIDE) -> tuple[Tensor, Tensor, Tensor]:
    """The clip, the object's true outline, and a loose one of cells of the latents."""
    clip = torch.from_numpy(scene.render(FRAMES, side)).permute(0, 3, 1, 2).float()
    true = torch.from_numpy(scene.masks(FRAMES, side))
    cells = max_pool2d(true.float()[:, None], side // 16, stride=side // 16)
    coarse_mask = interpolate(max_pool2d(cells, 3, stride=1, padding=1), size=(side, side))[:, 0]
    return clip, true, coarse_mask


def overlap(first: Tensor, second: Tensor) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.mark.parametrize(
    ("thing", "place", "seed"),
    [("cat", "grass", 3), ("rabbit", "snow", 4), ("penguin", "water", 5), ("owl", "bricks", 6)],
)
def test_a_drawn_object_is_found_in_a_loose_outline(thing: str, place: str, seed: int):
    clip, true, coarse_mask = drawn(Scene(thing, place, path="slide", seed=seed))
    found = matte(clip, coarse_mask)
    assert overlap(coarse_mask > 0, true) < 0.7
    assert overlap(dilated(found, 2), true) > 0.9  # its outline is dark, and softer than it
    assert not (found & (coarse_mask == 0)).any()


def test_large_pictures_are_looked_at_in_small():
    clip, true, coarse_mask = drawn(Scene("cat", "grass", path="slide", seed=3), side=384)
    assert overlap(dilated(matte(clip, coarse_mask), 6), true) > 0.9


def test_where_nothing_stands_out_all_is_the_object():
    coarse_mask = torch.zeros(1, 64, 64)
    coarse_mask[:, 20:40, 20:40] = 1
    assert torch.equal(matte(torch.full((1, 3, 64, 64), 90.0), coarse_mask), coarse_mask > 0)


def test_ground_that_is_known_is_no_object():
    """A line that is on the ground only inside the outline, as a road's may be."""
    clip, true, coarse_mask = drawn(Scene("cat", "grass", path="slide", seed=3))
    clip = clip[:1]
    line = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    line[:, 60:68] = True
    line &= (coarse_mask[:1] > 0) & ~dilated(true[:1], 4)
    assert line.sum() > 50
    clip = clip.where(~line[:, None], torch.tensor([250.0, 220.0, 40.0]).view(1, 3, 1, 1))
    unseen, seen = matte(clip, coarse_mask[:1]), matte(clip, coarse_mask[:1], Known(plate=(clip, ~true[:1])))
    assert (unseen & line).sum() > 0.5 * line.sum() and (seen & line).sum() < 0.1 * line.sum()


def test_ground_from_elsewhere_tells_what_is_ground():
    coarse_mask, clip = torch.ones(1, 32, 32), torch.full((1, 3, 32, 32), 60.0)
    clip[:, :, 8:20, 8:20] = 200.0
    found = matte(clip, coarse_mask, Known((torch.full((1, 3, 32, 32), 60.0), torch.ones(1, 32, 32))))
    wanted = torch.zeros(1, 32, 32, dtype=torch.bool)
    wanted[:, 8:20, 8:20] = True
    assert torch.equal(found, wanted)


def test_attention_tells_the_object_where_colours_do_not():
    """White on snow, with a dark outline that is not closed."""
    clip, coarse_mask = torch.full((1, 3, 64, 64), 230.0), torch.zeros(1, 64, 64)
    coarse_mask[:, 4:60, 4:60] = 1
    wanted = torch.zeros(1, 64, 64, dtype=torch.bool)
    wanted[:, 16:48, 16:48] = True
    clip[:, :, 16:48, 16:48], clip[:, :, 18:46, 18:46], clip[:, :, 16:48, 28:36] = 40.0, 230.0, 230.0
    prior = torch.zeros(1, 64, 64)
    prior[:, 14:50, 14:50] = 1.0  # as coarse as attention is
    without, found = (matte(clip, coarse_mask, Known(prior=one)) for one in (None, prior))
    assert overlap(found, wanted) > 0.75
    assert overlap(without, wanted) < 0.5


def test_holes_are_filled_and_bays_are_not():
    ring = torch.zeros(1, 20, 20, dtype=torch.bool)
    ring[:, 4:16, 4:16] = True
    ring[:, 7:13, 7:13] = False
    assert fill_holes(ring)[0, 4:16, 4:16].all()
    ring[:, 9, 13:16] = False
    assert torch.equal(fill_holes(ring), ring)
    assert not fill_holes(torch.zeros(1, 5, 5, dtype=torch.bool)).any()


def test_lines_are_thin_and_squares_are_thick():
    shapes = torch.zeros(1, 30, 30, dtype=torch.bool)
    shapes[:, 5:15, 5:15] = True
    square = shapes.clone()
    shapes[:, 20] = True
    assert torch.equal(opening(shapes, 2), square)


def test_small_parts_that_stand_apart_are_left_out():
    shapes = torch.zeros(2, 40, 40, dtype=torch.bool)
    shapes[:, 2:22, 2:22] = True
    shapes[0, 30:33, 30:33] = True
    shapes[1, 30:39, 30:39] = True
    shapes[1, 24] = True
    found = largest_parts(shapes, 0.15)
    assert not found[0, 24:].any() and found[0, 2:22, 2:22].all()
    assert found[1, 30:39, 30:39].all() and not found[1, 24].any()
    assert not largest_parts(shapes & False, 0.1).any()


def test_ground_that_the_edit_drew_in_another_light_is_no_object() -> None:
    """A model draws the ground anew inside the region of an edit, and may lose a shadow that falls there."""
    torch.manual_seed(0)
    shaded = torch.full((1, 3, 64, 64), 120.0) + 4 * torch.randn(1, 3, 64, 64)
    region = torch.zeros(1, 64, 64)
    region[:, 6:58, 6:58] = 1
    true = torch.zeros(1, 64, 64, dtype=torch.bool)
    true[:, 20:44, 24:40] = True
    picture = shaded.where(region[:, None] == 0, shaded + 100)
    picture = picture.where(~true[:, None], torch.tensor([40.0, 60.0, 200.0]).view(1, 3, 1, 1))
    prior = avg_pool2d(true.float()[:, None], 11, stride=1, padding=5)[:, 0]  # as soft as attention is
    without, found = (matte(picture, region, Known(prior=one)) for one in (None, prior))
    assert overlap(without, true) < 0.4 and overlap(found, true) > 0.85


def test_parts_that_attention_hardly_sees_are_other_things() -> None:
    shapes, prior = torch.zeros(2, 40, 60, dtype=torch.bool), torch.zeros(2, 40, 60)
    animal = shapes.clone()
    animal[:, 8:32, 6:30] = True
    animal[:, 12:20, 44:54] = True  # its other part, beyond a post that hides the middle
    shapes |= animal
    shapes[0, :, 32:40] = True  # the post
    shapes[0, 10:12, 29:33] = True  # it touches the animal
    prior += 0.2
    prior[:, 8:32, 6:30], prior[:, 12:20, 44:54] = 0.8, 0.6
    found = attended(shapes, prior, 2)
    assert torch.equal(found[1], shapes[1])
    assert not found[0, :, 33:40].any() and overlap(found[:1], animal[:1]) > 0.97


def test_the_rim_of_another_thing_is_left_out():
    """It is so thin that it has no core."""
    shape, prior = torch.zeros(1, 64, 64, dtype=torch.bool), torch.full((1, 64, 64), 0.1)
    shape[:, 10:30, 10:30], prior[:, 10:30, 10:30] = True, 1.0
    rim = torch.zeros_like(shape)
    rim[:, 44:60, 44:60] = True
    rim[:, 46:58, 46:58] = False
    assert torch.equal(attended(shape | rim, prior, margin=2), shape)


def test_ground_that_is_hardly_seen_outside_the_mask_does_not_join_an_attended_object() -> None:
    noise = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    hedge = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    hedge[26:94, 18:112] = True  # which is all inside the mask
    grass, brown, white = (
        torch.tensor(one)[:, None, None] for one in ([70.0, 110, 50], [90.0, 80, 65], [215.0, 215, 225])
    )
    true = torch.zeros(FRAMES, SIDE, SIDE, dtype=torch.bool)
    for frame, shape in enumerate(true):
        shape[42:80, 40 + 5 * frame : 72 + 5 * frame] = True
    clip = (brown.where(hedge, grass) + 25 * noise).where(~true[:, None], white + 10 * noise).clamp(0, 255)
    prior = avg_pool2d(true.float()[:, None], 33, 1, 16)[:, 0]
    region = torch.zeros(FRAMES, SIDE, SIDE)
    region[:, 18:106, 18:112] = 1
    found = matte(clip, region, Known(prior=0.2 + 0.8 * prior / prior.amax()))
    assert overlap(found, true) > 0.95


def test_an_attended_object_may_be_small_in_its_mask() -> None:
    clip, region = torch.full((2, 3, SIDE, SIDE), 90.0), torch.ones(2, SIDE, SIDE)
    clip += 8 * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    true = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
    true[:, 50:70, 60:80] = True
    clip[:, :, 50:70, 60:80] = 220.0
    region[:, :2] = 0
    prior = avg_pool2d(true.float()[:, None], 9, 1, 4)[:, 0]
    found = matte(clip, region, Known(prior=prior))
    assert true.sum() < 0.03 * region.sum()
    assert found[true].float().mean() > 0.95 and found.sum() < 2 * true.sum()  # attention is coarse
