"""The ground behind moving objects."""

from __future__ import annotations

import torch

from vp2p.compositing.clean_plate import clean_plate, inpaint, seamless
from vp2p.compositing.motion.similarity import Similarity, background_motion
from vp2p.sprites.grounds import ground
from vp2p.sprites.scenes import Scene

SIDE = 128


def test_what_other_frames_show_is_known_and_right():
    scene = Scene("cat", "bricks", path="leave", seed=3)
    clip = torch.from_numpy(scene.render(8, SIDE)).permute(0, 3, 1, 2).float()
    objects = torch.from_numpy(scene.masks(8, SIDE))
    behind = background_motion(clip.mean(1, keepdim=True) / 255, objects.float())
    plate, known = clean_plate(clip, objects, behind)
    true = torch.from_numpy(ground("bricks", 3, SIDE).copy()).permute(2, 0, 1) * 255
    hidden = objects & known
    assert hidden.sum() > 0.4 * objects.sum()
    assert (plate - true).abs().amax(1)[hidden].mean() < 2
    always = objects.all(0)
    assert not known[:, always].any()


def test_frames_whose_ground_is_not_followed_are_not_asked():
    clip, objects = torch.rand(3, 3, 16, 16), torch.zeros(3, 16, 16, dtype=torch.bool)
    still = torch.eye(2, 3).expand(3, 2, 3)
    plate, known = clean_plate(clip, objects, Similarity(still, torch.tensor([1.0, 1.0, 0.0])))
    assert torch.allclose(plate[0], clip[1], atol=0.05) and torch.allclose(plate[1], clip[0], atol=0.05)
    assert known[:2].all() and not known[2].any()


def test_a_hole_is_filled_between_its_rims():
    ramp = torch.arange(20.0).expand(3, 20, 20).clone()
    hole = torch.zeros(20, 20, dtype=torch.bool)
    hole[8:12, 8:12] = True
    spoiled = ramp.where(~hole, 255.0)
    assert (inpaint(spoiled, hole) - ramp).abs().max() < 0.5
    assert torch.equal(inpaint(ramp, hole & False), ramp)


def test_beside_an_object_the_plate_has_no_waves():
    """Sampling between pixels makes waves at the rim of a blank, and these are no background."""
    clip, objects = torch.full((2, 3, 32, 32), 200.0), torch.zeros(2, 32, 32, dtype=torch.bool)
    objects[0, 8:16, 8:16] = True
    turn = torch.tensor([[0.98, -0.2, 4.3], [0.2, 0.98, -2.6]])
    plate, known = clean_plate(clip, objects, Similarity(torch.stack([torch.eye(2, 3), turn]), torch.ones(2)))
    assert known[1].float().mean() > 0.5
    assert (plate[1] - 200)[:, known[1]].abs().max() < 3


def test_another_picture_closes_a_hole_in_the_tones_of_its_rim():
    ramp = torch.arange(20.0).expand(3, 20, 20) * 4
    detail = torch.zeros(3, 20, 20)
    detail[:, 9:11, 9:11] = 30.0
    hole = torch.zeros(20, 20, dtype=torch.bool)
    hole[6:14, 6:14] = True
    spoiled = (ramp + detail).where(hole, ramp)
    closed = seamless(ramp * 0.5 + 70 + detail, hole, spoiled.where(~hole, 255.0))
    assert (closed - ramp - detail).abs().max() < 6  # the light of the one, and the detail of the other
    assert torch.equal(closed[:, ~hole], spoiled[:, ~hole])
