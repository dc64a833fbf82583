"""Frames to latents and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from vp2p.models import codec
from vp2p.models.codec import decode_latents, encode_frames
from vp2p.models.loading import LatentModel


def _frames(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_any_count_of_frames_and_aspect(sd2: LatentModel, count: int) -> None:
    latents = encode_frames(sd2, _frames(count, 32, 48))
    assert latents.shape == (count, 4, 8, 12)
    assert latents.dtype == torch.float32
    decoded = decode_latents(sd2, latents)
    assert decoded.shape == (count, 32, 48, 3)
    assert decoded.dtype == np.uint8


def test_chunks_change_nothing(sd1: LatentModel, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = _frames(5, 64, 64)
    latents = encode_frames(sd1, frames)
    decoded = decode_latents(sd1, latents)
    monkeypatch.setattr(codec, "_PIXELS_AT_ONCE", 2 * 64 * 64)
    torch.testing.assert_close(encode_frames(sd1, frames), latents, rtol=0, atol=1e-5)
    assert np.abs(decode_latents(sd1, latents).astype(int) - decoded).max() <= 1


def test_scale_is_the_models_own(sd2: LatentModel) -> None:
    frames = _frames(1, 16, 16)
    pixels = torch.from_numpy(frames).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.no_grad():
        mean = sd2.vae.encode(pixels).latent_dist.mean
    torch.testing.assert_close(encode_frames(sd2, frames), mean * 0.25)


def test_shift_is_undone(sd2: LatentModel) -> None:
    frames = _frames(2, 16, 16)
    plain = encode_frames(sd2, frames)
    decoded = decode_latents(sd2, plain)
    sd2.vae.register_to_config(shift_factor=0.5)
    try:
        shifted = encode_frames(sd2, frames)
        torch.testing.assert_close(shifted, plain - 0.5 * 0.25)
        assert np.abs(decode_latents(sd2, shifted).astype(int) - decoded).max() <= 1
    finally:
        sd2.vae.register_to_config(shift_factor=None)


def test_agrees_with_the_released_code(golden: Path, golden_model: LatentModel) -> None:
    expected = load_file(golden / "vae_video.safetensors")
    latents = expected["latents"][0].permute(1, 0, 2, 3)
    torch.testing.assert_close(
        encode_frames(golden_model, expected["frames_uint8"].numpy()), latents, rtol=0, atol=1e-5
    )
    decoded = decode_latents(golden_model, latents)
    # The released code cuts fractions off where this one rounds.
    below = decoded.astype(int) - expected["rec_uint8"].numpy()
    assert below.min() >= 0 and below.max() <= 1
