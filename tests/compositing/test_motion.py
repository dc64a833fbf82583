"""The motion of a region, found from pixels alone, against drawn clips whose motion is known."""

from __future__ import annotations

import math

import pytest
import torch

from vp2p.compositing.motion.affine import compose, inverse, sample, transform
from vp2p.compositing.motion.similarity import background_motion, region_motion
from vp2p.sprites.drawing import Pose
from vp2p.sprites.grounds import ground
from vp2p.sprites.scenes import Scene

SIDE = 128


def true_motion(pose: Pose) -> torch.Tensor:
    """(2, 3), from an upright sprite's own square, -1…1, to pixels of the frame it is drawn in."""
    cos, sin = math.cos(math.radians(pose.tilt)), math.sin(math.radians(pose.tilt))
    half = pose.size * SIDE / 2
    middle = torch.tensor([[pose.x * SIDE - 0.5], [pose.y * SIDE - 0.5]])
    mirror = -1.0 if pose.flip else 1.0
    return torch.cat([torch.tensor([[mirror * cos, -sin], [mirror * sin, cos]]) * half, middle], dim=1)


def grey(scene: Scene, frames: int) -> torch.Tensor:
    return torch.from_numpy(scene.render(frames, SIDE)).float().mean(-1)[:, None] / 255


@pytest.mark.parametrize(
    ("path", "place", "seed"),
    [("slide", "grass", 3), ("bounce", "wood", 8), ("turn", "bricks", 4), ("grow", "water", 5), ("leave", "snow", 7)],
)
def test_a_drawn_object_is_followed_to_half_a_pixel(path: str, place: str, seed: int):
    scene = Scene("cat", place, path=path, seed=seed)
    regions = torch.from_numpy(scene.masks(8, SIDE)).float()
    coarse_mask = torch.nn.functional.max_pool2d(regions, 9, stride=1, padding=4)  # as outlines are
    motion = region_motion(grey(scene, 8), coarse_mask)
    poses = scene.poses(8)
    points = torch.tensor([[-0.5, 0.0, 0.5, 0.0, 0.0], [0.0, -0.5, 0.0, 0.5, 0.0]])
    for found, pose in zip(motion.matrices, poses):
        off = transform(found, transform(true_motion(poses[0]), points)) - transform(true_motion(pose), points)
        assert off.norm(dim=0).max() < 0.5
    assert motion.confidence.min() > 0.25


def test_large_frames_are_followed_by_small_ones():
    scene = Scene("cat", "grass", path="slide", seed=3)
    large = torch.from_numpy(scene.render(3, 384)).float().mean(-1)[:, None] / 255
    motion = region_motion(large, torch.from_numpy(scene.masks(3, 384)).float())
    first, *_, last = scene.poses(3)
    away = torch.tensor([last.x - first.x, last.y - first.y]) * 384
    assert (motion.matrices[2] - torch.cat([torch.eye(2), away[:, None]], 1)).abs().max() < 1.0


def test_the_ground_of_a_camera_that_stands_still_stands_still():
    scene = Scene("cat", "grass", path="slide", seed=3)
    motion = background_motion(grey(scene, 8), torch.from_numpy(scene.masks(8, SIDE)).float())
    assert torch.equal(motion.matrices, torch.eye(2, 3).expand(8, 2, 3)) and motion.confidence.min() > 0.8


@pytest.mark.parametrize("place", ["snow", "water", "grass"])
def test_the_ground_is_followed_under_a_shadow_and_behind_what_crosses(place: str):
    drawn = torch.from_numpy(ground(place, 3, 160).copy()).float().mean(-1)
    columns = torch.arange(128.0)
    clip = torch.stack([drawn[8 : 8 + 128, 4 * k : 4 * k + 128] for k in range(4)])[:, None]
    for k in range(4):
        clip[k, 0] *= 1 - 0.25 * torch.sigmoid((columns - 96 + 24 * k) / 4)  # a shadow comes in from the right
        clip[k, 0, 90:110, 20 + 25 * k : 40 + 25 * k] = torch.eye(20)  # small, but of strong contrast
    regions = torch.zeros(4, 128, 128)
    regions[:, 30:80, 40:80] = 1
    clip[:, :, 30:80, 40:80] = 0.5
    motion = background_motion(clip, regions)
    for k in range(4):
        there = transform(motion.matrices[k], torch.tensor([[32.0, 96.0], [64.0, 64.0]]))
        assert (there - torch.tensor([[32.0, 96.0], [64.0, 64.0]]) + torch.tensor([[4.0 * k], [0.0]])).abs().max() < 0.8
    assert motion.confidence.min() >= 0.25


def test_a_plain_ground_stands_still():
    clip = torch.full((3, 1, 64, 64), 0.5) + 0.002 * torch.rand(
        3, 1, 64, 64, generator=torch.Generator().manual_seed(0)
    )
    motion = background_motion(clip, torch.zeros(3, 64, 64))
    assert motion.confidence.min() >= 0.25 and (motion.matrices - torch.eye(2, 3)).abs().max() < 1.0


def test_the_ground_is_followed_where_the_camera_moves():
    picture = torch.nn.functional.interpolate(
        torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(1)), size=(160, 160), mode="bicubic"
    )[0]
    clip = torch.stack([picture[:, 2 * k : 2 * k + 128, 3 * k : 3 * k + 128] for k in range(4)])
    regions = torch.zeros(4, 128, 128)
    regions[:, 40:80, 40:80] = 1
    clip[:, :, 40:80, 40:80] = 0.5  # what stays in the middle of the picture
    motion = background_motion(clip, regions)
    for k in range(4):
        wanted = torch.tensor([[1.0, 0.0, -3.0 * k], [0.0, 1.0, -2.0 * k]])
        assert (motion.matrices[k] - wanted).abs().max() < 0.3


def test_what_moves_without_an_order_is_not_followed():
    clip = torch.rand(3, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    motion = region_motion(clip, torch.ones(3, 128, 128))
    assert motion.confidence[0] == 1 and motion.confidence[1:].max() < 0.25


def test_a_flat_region_tells_nothing():
    motion = region_motion(torch.full((3, 1, 64, 64), 0.5), torch.ones(3, 64, 64))
    assert motion.confidence.tolist() == [1, 0, 0]
    assert torch.equal(motion.matrices, torch.eye(2, 3).expand(3, 2, 3))


def test_matrices_compose_and_come_back():
    turn = torch.tensor([[0.0, -2.0, 5.0], [2.0, 0.0, 1.0]])
    shift = torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, -4.0]])
    point = torch.tensor([[1.0], [2.0]])
    assert transform(compose(turn, shift), point).tolist() == transform(turn, transform(shift, point)).tolist()
    assert torch.allclose(compose(inverse(turn), turn), torch.eye(2, 3))


def test_an_image_is_sampled_where_the_matrix_points():
    image = torch.rand(2, 20, 30)
    taken, shown = sample(image, torch.tensor([[1.0, 0.0, 3.0], [0.0, 1.0, -4.0]]))
    assert torch.allclose(taken[:, 4:, :27], image[:, :16, 3:], atol=1e-4)
    assert shown[4:, :27].all() and not shown[:4].any() and not shown[:, 27:].any()
