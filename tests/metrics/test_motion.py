"""Optical flow against scikit-image, and warp error where its answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vp2p.metrics.warp_error import motion, warp_error
from vp2p.video.flow import optical_flow, warp


def texture(side: int, seed: int = 1) -> np.ndarray:
    """A smooth random grey texture in 0...1: (side, side)."""
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=(1, 1, side, side)))
    for _ in range(3):
        noise = torch.nn.functional.avg_pool2d(noise, 5, stride=1, padding=2)
    noise -= noise.min()
    return (noise / noise.max())[0, 0].numpy()


def moving(steps: list[tuple[int, int]], side: int = 96) -> np.ndarray:
    """A texture seen through a window that is at these (row, column) places: uint8 (F, side, side, 3)."""
    whole = np.uint8(texture(side + 32) * 255)
    return np.stack([whole[8 + y : 8 + y + side, 8 + x : 8 + x + side] for y, x in steps])[..., None].repeat(3, -1)


@pytest.mark.parametrize("shift", [(3, -5), (0, 2), (-4, 6)])
def test_flow_finds_a_shift_as_scikit_image_does(shift: tuple[int, int]) -> None:
    registration = pytest.importorskip("skimage.registration")
    first, second = moving([(0, 0), shift])[..., 0] / 255.0
    found = optical_flow(*(torch.from_numpy(image).float()[None, None] for image in (first, second)))[0]
    inner = found[:, 12:-12, 12:-12]
    assert inner.mean((1, 2)).tolist() == pytest.approx([-shift[1], -shift[0]], abs=0.05)
    down, right = registration.optical_flow_ilk(first, second)
    theirs = torch.from_numpy(np.stack([right, down]))[:, 12:-12, 12:-12]
    assert (inner - theirs).abs().mean() < 0.1


def test_flat_pictures_have_no_motion() -> None:
    grey = torch.full((1, 1, 40, 50), 0.5)
    assert optical_flow(grey, grey).abs().max() == 0


def test_warp_takes_from_where_the_flow_points() -> None:
    image = torch.arange(20.0).view(1, 1, 4, 5)
    flow = torch.zeros(1, 2, 4, 5)
    flow[:, 0] = 1
    assert torch.allclose(warp(image, flow)[0, 0, :, :-1], image[0, 0, :, 1:], atol=1e-5)
    flow[:, 0], flow[:, 1] = 0, 0.5
    assert torch.allclose(warp(image, flow)[0, 0, :-1], image[0, 0, :-1] + 2.5, atol=1e-5)


def test_a_texture_that_moves_steadily_has_next_to_no_warp_error() -> None:
    frames = moving([(0, 0), (2, 3), (4, 6)])
    found = motion(frames)
    assert found.seen.float().mean() > 0.75
    still = frames[[0, 0, 0]]
    assert warp_error(frames, found) < 0.05
    # The same frames without the motion, and frames that flicker along it, are not steady.
    assert warp_error(still, found) > 20 * warp_error(frames, found)
    flickering = frames.copy()
    flickering[1] = np.clip(flickering[1].astype(int) + 20, 0, 255)
    assert warp_error(flickering, found) == pytest.approx(1000 * (20 / 255) ** 2, rel=0.2)


def test_what_is_hidden_in_the_next_frame_does_not_count() -> None:
    frames = moving([(0, 0), (0, 0)])
    frames[0, 30:50, 20:40] = np.uint8(texture(20, seed=5) * 255)[..., None]  # a patch, which moves 8 to the right
    frames[1, 30:50, 28:48] = frames[0, 30:50, 20:40]
    seen = motion(frames).seen[0]
    assert seen[:, 60:].float().mean() > 0.95
    assert seen[34:46, 41:47].float().mean() < 0.5  # ground that the patch covers
