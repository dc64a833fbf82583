"""Train the autoencoder of the sprites model: ``python -m vp2p.sprites.train_vae --out FOLDER``.

An AutoencoderKL of factor 8 with 8 latent channels, on L1 + L2 + gradient L1 + block L1 and a tiny KL term
(Rombach et al., "High-resolution image synthesis with latent diffusion models", section 3.1, without
its perceptual and adversarial terms). A rerun resumes from ``FOLDER/vae.safetensors``.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch.nn import functional

from vp2p.sprites import checkpoint
from vp2p.sprites.pictures import batch, draw_pictures

CONFIG = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (32, 64, 128, 128),
    "layers_per_block": 1,
    "latent_channels": 8,
    "norm_num_groups": 8,
    "mid_block_add_attention": False,
    "sample_size": 128,
}
KL_WEIGHT = 1e-4


def _gradient_l1(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    difference = a - b
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def _pyramid_l1(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The mean error of 4x4 and 16x16 blocks: it brings hues right long before details are."""
    difference = a - b
    small, large = (functional.avg_pool2d(difference, side).abs().mean() for side in (4, 16))
    return small + large


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures with values in -1..1."""
    return -10 * math.log10(((a - b) / 2).square().mean().item())


def to_tensor(pictures: np.ndarray, device: str = "cpu") -> torch.Tensor:
    """uint8 (n, h, w, 3) to float32 (n, 3, h, w) in -1..1, channels last."""
    return torch.tensor(pictures, device=device).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def train(out: Path, pictures: Path, steps: int, size: int, rate: float, seed: int, save_every: int) -> None:
    """Train to ``steps`` and leave ``out``/vae.safetensors, with a JSON line of log every 25 steps."""
    torch.manual_seed(seed)
    scenes, photographs = draw_pictures(pictures, 7000)
    vae = AutoencoderKL(**CONFIG).to(memory_format=torch.channels_last)
    ema = checkpoint.Ema(vae, 0.998)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4)
    generator = torch.Generator().manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    path, first = out / "vae.safetensors", 0
    if path.exists():
        first = checkpoint.load(path, vae, ema, optimizer, generator)
    start = time.monotonic()
    with open(out / "vae.jsonl", "a", encoding="utf-8") as log:
        for step in range(first + 1, steps + 1):
            factor = min(step / 100, 1.0) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            x = to_tensor(batch(scenes, photographs, size, np.random.default_rng([seed, step])))
            with torch.autocast("cpu", torch.bfloat16):
                posterior = vae.encode(x).latent_dist
                noise = torch.randn(posterior.mean.shape, generator=generator)
                rebuilt = vae.decode(posterior.mean + posterior.std * noise).sample.float()
            mean, logvar = posterior.mean.float(), posterior.logvar.float()
            kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
            loss = (rebuilt - x).abs().mean() + (rebuilt - x).square().mean()
            loss = loss + 0.5 * _gradient_l1(rebuilt, x) + _pyramid_l1(rebuilt, x) + KL_WEIGHT * kl
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            ema.update(vae)
            if step % 25 == 0 or step == first + 1:
                line = {
                    "step": step,
                    "loss": round(loss.item(), 5),
                    "kl": round(kl.item(), 3),
                    "norm": round(norm.item(), 3),
                    "psnr_scenes": round(psnr(rebuilt[::2].detach(), x[::2]), 2),
                    "psnr_photographs": round(psnr(rebuilt[1::2].detach(), x[1::2]), 2),
                    "seconds": round(time.monotonic() - start, 1),
                }
                log.write(json.dumps(line) + "\n")
                log.flush()
            if step % save_every == 0 or step == steps:
                checkpoint.save(path, step, vae, ema, optimizer, generator)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint and the log")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the drawn pictures")
    parser.add_argument("--steps", type=int, default=2050)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--save-every", type=int, default=200)
    given = parser.parse_args()
    train(given.out, given.pictures, given.steps, given.batch, given.rate, given.seed, given.save_every)
