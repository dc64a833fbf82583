"""Train the text encoder and UNet of the sprites model: ``python -m vp2p.sprites.train_unet --out FOLDER``.

v-prediction (Salimans and Ho, "Progressive distillation for fast sampling of diffusion models",
2022), weighted at high signal-to-noise as in min-SNR-5 (Hang et al., "Efficient diffusion training via
min-SNR weighting strategy", 2023), with prompt dropout for classifier-free guidance (Ho and Salimans, 2022). It starts
from ``FOLDER/vae.safetensors`` of train_vae, or with ``--start`` from all weights of a model folder, and a rerun
resumes from ``FOLDER/unet.safetensors``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch.multiprocessing.spawn import spawn
from transformers import CLIPTokenizer

from vp2p.sprites import checkpoint
from vp2p.sprites.language import TEXTURES
from vp2p.sprites.latents import Kind, encode_scenes, load_scenes, normalise_latents, token_ids, usual_poses
from vp2p.sprites.network import Network, scheduler
from vp2p.sprites.pictures import draw_pictures
from vp2p.sprites.tokenizer import build_tokenizer
from vp2p.sprites.train_vae import CONFIG as VAE_CONFIG

SNR_LIMIT = 5.0
SNR_HALF = 0.1
DECAY = 0.4  # the learning rate is held, then falls linearly to 0 over this part of the steps
ALIGNED_SCENES = 16384
CURRICULUM = 0.88  # this part of the steps from scratch sees aligned scenes only ...
SHARES: dict[Kind, float] = {"aligned": 0.3, "free": 0.25, "moving": 0.45}  # ... and all other steps these
PROMPT_DROPOUT = 0.1
AVERAGE = 0.999  # decay of the averaged weights


@dataclass(frozen=True)
class Training:
    """One run: ``steps`` of ``size`` scenes each, at most ``rate``, on a device."""

    out: Path
    steps: int
    size: int
    rate: float
    seed: int
    compiled: bool
    device: str


def start_from(folder: Path, out: Path) -> None:
    """Take the VAE of the model ``folder`` as the finished one, and its text encoder and UNet as first weights."""
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    save_file(vae.state_dict(), out / "vae-final.safetensors")
    weights = {"unet.": folder / "unet/diffusion_pytorch_model.safetensors"}
    weights["text."] = folder / "text_encoder/model.safetensors"
    save_file(
        {prefix + name: tensor.float() for prefix, path in weights.items() for name, tensor in load_file(path).items()},
        out / "start.safetensors",
    )


def finished_vae(out: Path, pictures: Path) -> AutoencoderKL:
    """The averaged VAE of ``out`` with normalised latents, made once as ``out``/vae-final.safetensors."""
    vae: AutoencoderKL = AutoencoderKL(**VAE_CONFIG, scaling_factor=1.0).eval().requires_grad_(False)
    path = out / "vae-final.safetensors"
    if not path.exists():
        state = load_file(out / "vae.safetensors")
        vae.load_state_dict({name[4:]: tensor for name, tensor in state.items() if name.startswith("ema.")})
        scenes, _ = draw_pictures(pictures, 7000)
        normalise_latents(vae, scenes[:512])
        save_file(vae.state_dict(), path)
    vae.load_state_dict(load_file(path))
    return vae


def timesteps(size: int, generator: torch.Generator) -> torch.Tensor:
    """One random timestep in each of ``size`` equal parts of 0..999: the loss varies less from batch to batch."""
    even = torch.arange(size, device=generator.device) + torch.rand(size, generator=generator, device=generator.device)
    return (even * (1000 / size)).long().clamp_(max=999)


def weight(snr: torch.Tensor) -> torch.Tensor:
    """The weight of v's squared error at a signal-to-noise ratio.

    Above 5 it falls off as min-SNR-5 does. Below, min-SNR's weight is close to the ratio itself, which
    starves the noisy steps in which the shape of an object is decided; this one halves only at 0.1.
    """
    return ((SNR_LIMIT + 1) / (snr + 1)).clamp(max=1) * snr / (snr + SNR_HALF)


class _Exchange:
    """Averages gradients between worker processes through shared memory; a single worker needs none.

    One single-threaded process a core, rather than one process with a thread a core: whoever else
    uses a core then delays a step once, not at each of its thousand parallel regions.
    """

    def __init__(self, workers: int, parameters: int) -> None:
        self.workers = workers
        # Two buffers in turn, so that one barrier a step is enough.
        self.buffers: torch.Tensor = cast(Any, torch.zeros(2, workers, parameters)).share_memory_()
        self.barrier = multiprocessing.get_context("spawn").Barrier(workers)

    def average(self, rank: int, step: int, parameters: list[torch.nn.Parameter]) -> None:
        if self.workers == 1:
            return
        buffer = self.buffers[step % 2]
        gradients = [cast(torch.Tensor, p.grad) for p in parameters]  # the backward pass has set them all
        torch.cat([gradient.flatten() for gradient in gradients], out=buffer[rank])
        self.barrier.wait()
        parts = torch.split(buffer.mean(0), [p.numel() for p in parameters])
        for gradient, part in zip(gradients, parts):
            gradient.copy_(part.view_as(gradient))


def _pools(out: Path, tokenizer: CLIPTokenizer) -> tuple[torch.Tensor, torch.Tensor, dict[Kind, np.ndarray]]:
    """All latents and token ids, and by kind which of them are drawn from; textured ones are there twice."""
    found = {kind: load_scenes(out / f"{kind}.safetensors") for kind in SHARES}
    kept = {kind: torch.arange(len(ids)) for kind, (_, ids) in found.items()}
    kept["free"] = torch.nonzero(torch.from_numpy(usual_poses(len(kept["free"]))))[:, 0]
    latents = torch.cat([found[kind][0][kept[kind]] for kind in SHARES])
    ids = torch.cat([found[kind][1][kept[kind]] for kind in SHARES])
    # Textures hide shapes, so textured scenes take longest to learn: each is seen twice as often.
    textured = torch.isin(ids.long(), token_ids(tokenizer, [" ".join(TEXTURES)])[0][1 : 1 + len(TEXTURES)]).any(1)
    often = torch.cat([torch.arange(len(ids)), torch.nonzero(textured)[:, 0]]).numpy()
    pools: dict[Kind, np.ndarray] = {}
    first = 0
    for kind in SHARES:
        pools[kind] = often[(often >= first) & (often < first + len(kept[kind]))]
        first += len(kept[kind])
    return latents, ids, pools


def _work(rank: int, exchange: _Exchange, run: Training) -> None:
    """One worker's training loop: all workers hold the same weights, each sees its share of every batch."""
    out, steps, size, device = run.out, run.steps, run.size, torch.device(run.device)
    if exchange.workers > 1:
        torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    tokenizer = build_tokenizer(out / f"tokenizer-{rank}")
    latents, ids, pools = _pools(out, tokenizer)
    latents, ids = latents.to(device), ids.to(device)
    empty = token_ids(tokenizer, [""])[0].to(device)
    network: Network = cast(Any, Network(tokenizer)).to(device, memory_format=torch.channels_last)
    # Its backward pass is several times faster on a CPU; on a GPU cuDNN's fused one gave NaN in bf16.
    network.unet.set_attn_processor(AttnProcessor())
    saved, started, first = out / "unet.safetensors", out / "start.safetensors", 0
    if started.exists():
        network.load_state_dict(load_file(started))
    ema = checkpoint.Ema(network, AVERAGE)
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=run.rate, betas=(0.9, 0.99), weight_decay=1e-2, fused=True)
    generator = torch.Generator(device).manual_seed(run.seed)
    if saved.exists():
        first = checkpoint.load(saved, network, ema, optimizer, generator)
    forward = torch.compile(network) if run.compiled else network
    alpha_bar = scheduler().alphas_cumprod.to(device)
    start = time.monotonic()
    losses: list[torch.Tensor] = []
    share = slice(rank, None, exchange.workers)
    for step in range(first + 1, steps + 1):
        factor = min(step / 300, 1.0, (steps - step + 1) / (DECAY * steps))
        for group in optimizer.param_groups:
            group["lr"] = run.rate * factor
        rng = np.random.default_rng([run.seed, step])
        only_aligned = step < CURRICULUM * steps and not started.exists()
        kinds = np.zeros(size, int) if only_aligned else rng.choice(len(SHARES), size, p=list(SHARES.values()))
        drawn = np.stack([rng.choice(pool, size) for pool in pools.values()])
        chosen = torch.from_numpy(drawn[kinds, np.arange(size)]).to(device)
        x0, words = latents[chosen].float(), ids[chosen].long()
        dropped = torch.rand(size, generator=generator, device=device) < PROMPT_DROPOUT
        words = torch.where(dropped[:, None], empty, words)
        t = timesteps(size, generator)
        noise = torch.randn(x0.shape, generator=generator, device=device)
        x0, words, t, noise = x0[share], words[share], t[share], noise[share]
        a = alpha_bar[t].view(-1, 1, 1, 1)
        x_t = (a.sqrt() * x0 + (1 - a).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        v = a.sqrt() * noise - (1 - a).sqrt() * x0
        with torch.autocast(device.type, torch.bfloat16):
            predicted = forward(x_t, t, words)
        error = (predicted.float() - v).square().mean((1, 2, 3))
        loss = (error * weight((a / (1 - a)).flatten())).mean()
        loss.backward()
        exchange.average(rank, step, parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if rank > 0:
            continue
        ema.update(network)
        losses.append(loss.detach())
        if step % 50 == 0:
            line = {
                "step": step,
                "loss": round(torch.stack(losses).mean().item(), 5),
                "norm": round(norm.item(), 3),
                "rate": round(run.rate * factor, 7),
                "seconds": round(time.monotonic() - start, 1),
            }
            losses.clear()
            with open(out / "unet.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")
        if step % 500 == 0 or step == steps:
            checkpoint.save(saved, step, network, ema, optimizer, generator)


def train(run: Training, pictures: Path, counts: dict[Kind, int], workers: int) -> None:
    """Train to the last step and leave ``out``/unet.safetensors, with a JSON line of log every 50 steps."""
    tokenizer = build_tokenizer(run.out / "tokenizer")
    for kind, count in counts.items():
        path = run.out / f"{kind}.safetensors"
        if not path.exists():
            encode_scenes(finished_vae(run.out, pictures), tokenizer, path, count, kind, run.device)
    exchange = _Exchange(workers, sum(p.numel() for p in Network(tokenizer).parameters()))
    if workers == 1:
        _work(0, exchange, run)
    else:
        cast(Any, spawn)(_work, (exchange, run), workers)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoints and the log")
    parser.add_argument("--pictures", type=Path, required=True, help="folder of the drawn pictures")
    parser.add_argument("--start", type=Path, help="a model folder to start from, instead of from scratch")
    parser.add_argument("--scenes", type=int, default=16384, help="how many scenes are drawn, twice as many that move")
    parser.add_argument("--steps", type=int, default=6700)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=7e-4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--workers", type=int, default=1, help="single-threaded processes that share each batch")
    parser.add_argument("--compile", action="store_true", help="compile the network: slow start, quicker steps")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.start and not (given.out / "start.safetensors").exists():
        start_from(given.start, given.out)
    wanted = Training(given.out, given.steps, given.batch, given.rate, given.seed, given.compile, given.device)
    train(
        wanted, given.pictures, {kind: given.scenes * (2 if kind == "moving" else 1) for kind in SHARES}, given.workers
    )
