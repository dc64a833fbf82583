"""The training's parts: state that survives, latents that are normalised, timesteps that are even."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn

from vp2p.sprites import checkpoint
from vp2p.sprites.latents import normalise_latents
from vp2p.sprites.network import SCHEDULER_CONFIG, Network
from vp2p.sprites.pictures import batch
from vp2p.sprites.tokenizer import build_tokenizer
from vp2p.sprites.train_unet import timesteps
from vp2p.sprites.train_vae import psnr, to_tensor
from vp2p.sprites.variety import photograph

TINY_VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 2,
    "up_block_types": ("UpDecoderBlock2D",) * 2,
    "block_out_channels": (8, 8),
    "layers_per_block": 1,
    "latent_channels": 3,
    "norm_num_groups": 4,
    "mid_block_add_attention": False,
}


class _Trainer:
    """A tiny regression whose every source of randomness is in the checkpoint."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.module = nn.Linear(3, 2)
        self.ema = checkpoint.Ema(self.module, 0.9)
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=0.1)
        self.generator = torch.Generator().manual_seed(1)

    @property
    def state(self) -> tuple[nn.Module, checkpoint.Ema, torch.optim.Optimizer, torch.Generator]:
        return self.module, self.ema, self.optimizer, self.generator

    def run(self, steps: int) -> None:
        for _ in range(steps):
            x = torch.randn(4, 3, generator=self.generator) + torch.rand(4, 3)
            self.module(x).square().mean().backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.ema.update(self.module)


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path: Path):
    whole = _Trainer()
    whole.run(6)
    first = _Trainer()
    first.run(3)
    checkpoint.save(tmp_path / "state.safetensors", 3, *first.state)
    second = _Trainer()
    second.run(1)
    assert checkpoint.load(tmp_path / "state.safetensors", *second.state) == 3
    second.run(3)
    assert torch.equal(second.module.weight, whole.module.weight)
    assert torch.equal(second.ema.module.weight, whole.ema.module.weight)
    assert not torch.equal(second.ema.module.weight, second.module.weight)
    assert [path.name for path in tmp_path.iterdir()] == ["state.safetensors"]


def test_normalised_latents_have_unit_deviation_and_decode_the_same():
    torch.manual_seed(0)
    vae = AutoencoderKL(**TINY_VAE).eval()
    pictures = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), np.uint8)
    x = to_tensor(pictures)
    with torch.no_grad():
        before = vae.decode(vae.encode(x).latent_dist.mean).sample
        std = vae.encode(x).latent_dist.std / vae.encode(x).latent_dist.mean.std((0, 2, 3))[:, None, None]
        normalise_latents(vae, pictures)
        posterior = vae.encode(x).latent_dist
        after = vae.decode(posterior.mean).sample
    assert torch.allclose(posterior.mean.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(posterior.mean.std((0, 2, 3)), torch.ones(3), atol=1e-4)
    assert torch.allclose(posterior.std, std, rtol=1e-3)
    assert torch.allclose(before, after, atol=1e-4)


def test_timesteps_cover_the_schedule_evenly():
    t = timesteps(20, torch.Generator().manual_seed(0))
    assert [int(part) for part in t // 50] == list(range(20))


def test_batches_hold_scenes_and_photographs():
    scenes = np.zeros((3, 128, 128, 3), np.uint8)
    photographs = np.full((3, 160, 160, 3), 255, np.uint8)
    pictures = batch(scenes, photographs, 6, np.random.default_rng(0))
    assert pictures.shape == (6, 128, 128, 3)
    assert [int(picture.mean()) for picture in pictures] == [0, 255, 0, 255, 0, 255]


def test_photographs_are_seeded_and_varied():
    first, again = photograph(np.random.default_rng(3), 96), photograph(np.random.default_rng(3), 96)
    assert first.shape == (96, 96, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - photograph(np.random.default_rng(4), 96)).mean() > 10


def test_psnr_of_a_known_difference():
    assert abs(psnr(torch.zeros(10), torch.full((10,), 0.2)) - 20) < 1e-3


def test_words_do_not_mix_before_the_unet(tmp_path: Path):
    torch.manual_seed(0)
    tokenizer = build_tokenizer(tmp_path)
    text = Network(tokenizer).text.eval()
    ids = tokenizer(["a red cat on the grass", "a red dog on the grass"], return_tensors="pt").input_ids
    with torch.no_grad():
        states = text(ids).last_hidden_state
    same = (states[0] == states[1]).all(-1)
    assert same.tolist() == [True, True, True, False, True, True, True, True]
    assert SCHEDULER_CONFIG["prediction_type"] == "v_prediction"
