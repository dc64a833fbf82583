"""PSNR and SSIM against scikit-image, and the region that should stay."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vp2p.metrics.psnr import psnr
from vp2p.metrics.region import Region
from vp2p.metrics.ssim import ssim

PAIRS = ["noise", "blur", "other picture", "shift in light"]


def clips(what: str) -> tuple[np.ndarray, np.ndarray]:
    """Two clips (3, 40, 52, 3) that differ in one way."""
    random = np.random.default_rng(7)
    first = np.kron(random.integers(0, 256, (3, 10, 13, 3)), np.ones((1, 4, 4, 1))).astype(np.uint8)
    if what == "noise":
        second = first + random.normal(0, 20, first.shape)
    elif what == "blur":
        second = (first.astype(float) + np.roll(first, 1, axis=1) + np.roll(first, 1, axis=2)) / 3
    elif what == "other picture":
        second = random.integers(0, 256, first.shape)
    else:
        second = first.astype(float) * 0.7 + 30
    return first, np.clip(second, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("what", PAIRS)
def test_psnr_is_that_of_scikit_image(what: str) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    first, second = clips(what)
    theirs = metrics.peak_signal_noise_ratio(first, second, data_range=255)
    assert psnr(first, second) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("what", PAIRS)
def test_ssim_is_that_of_scikit_image(what: str) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    first, second = clips(what)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    by_frame = [metrics.structural_similarity(*pair, channel_axis=-1, **options) for pair in zip(first, second)]
    assert ssim(first, second) == pytest.approx(np.mean(by_frame), abs=1e-9)


def test_equal_clips_are_equal() -> None:
    first, _ = clips("noise")
    assert psnr(first, first) == math.inf
    assert ssim(first, first) == pytest.approx(1.0, abs=1e-12)


def test_only_kept_pixels_count() -> None:
    first, _ = clips("noise")
    second = first.copy()
    second[:, 8:16, 8:16] = 255 - second[:, 8:16, 8:16]
    mask = torch.zeros(3, 10, 13)
    mask[:, 2:4, 2:4] = 1
    kept = Region(mask).kept_pixels((40, 52))
    assert psnr(first, second) < 30 and psnr(first, second, kept) == math.inf
    second[:, 30, 30] ^= 128  # one pixel of what should stay
    error = 128**2 / kept[0].sum()
    assert psnr(first, second, kept) == pytest.approx(10 * math.log10(255**2 / error))
    assert psnr(first, second, np.zeros_like(kept)) is None


def test_the_region_stays_a_cell_away_from_the_mask() -> None:
    mask = torch.zeros(1, 5, 6)
    mask[0, 2, 3] = 1.0
    lost = ~Region(mask).kept_pixels((40, 48))[0]
    assert np.argwhere(lost).min(0).tolist() == [8, 16] and np.argwhere(lost).max(0).tolist() == [31, 39]
    exact = ~Region(mask, grow=0).kept_pixels((40, 48))[0]
    assert exact.sum() == 64 and exact[16:24, 24:32].all()


def test_the_objects_square_lies_in_the_frame() -> None:
    mask = torch.zeros(3, 10, 20)
    mask[0, 4:6, 8:14] = 1  # wide, in the middle
    mask[1, :, 19] = 1  # tall, at the right edge
    boxes = Region(mask).object_boxes((20, 40))
    assert boxes == [(4, 16, 16, 28), (0, 20, 20, 40), None]
