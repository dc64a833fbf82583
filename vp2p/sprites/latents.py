"""The UNet's training set: scenes drawn once and encoded once, with the token ids of their prompts."""

from __future__ import annotations

import os
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPTokenizer

from vp2p.sprites.bending import BENDS
from vp2p.sprites.drawing import Pose
from vp2p.sprites.language import OBJECTS
from vp2p.sprites.moving import CAMERAS, COVERS, PHOTOS, MovingScene
from vp2p.sprites.scenes import PATHS, Scene, sample_scene
from vp2p.sprites.train_vae import to_tensor

_CHUNK = 64
_CELL = 1 / 16  # one latent cell, as a share of the frame


Kind = Literal["aligned", "free", "moving"]

_SEEDS: dict[Kind, int] = {"free": 21, "aligned": 22, "moving": 23}
_MOVING_FRAMES = 8


def _scene(index: int, kind: Kind) -> Scene:
    """A training scene.

    An ``aligned`` one lies upright, of one size, at a whole number of latent cells. A ``moving`` one bends, under a
    moving camera; in two of five something passes, or a shadow falls, or it is blurred. One ground in six that a
    photograph can show is one.
    """
    rng = np.random.default_rng([index, _SEEDS[kind]])
    scene = sample_scene(rng)
    if kind == "aligned":
        columns, rows = rng.integers(-1, 2, 2) * _CELL
        return scene.replace(pose=Pose(0.5 + columns, 0.5 + rows, 0.875, 0.0, bool(rng.random() < 0.5)))
    if kind == "moving":
        return MovingScene(
            scene.object,
            scene.place,
            scene.colour,
            scene.texture,
            path=rng.choice(PATHS),
            seed=scene.seed,
            bend=rng.choice(BENDS),
            camera=rng.choice(CAMERAS),
            cover=rng.choice(COVERS[1:]) if rng.random() < 0.4 else "none",
            other=str(rng.choice([one for one in OBJECTS if one != scene.object])),
            photo=PHOTOS.get(scene.place) if rng.random() < 1 / 6 else None,
        )
    return scene


def usual_poses(count: int) -> np.ndarray:
    """Which of the first ``count`` scenes that are not aligned are large and nearly upright, bool (count,)."""
    poses = [_scene(index, "free").poses()[0] for index in range(count)]
    return np.array([pose.size >= 0.74 and abs(pose.tilt) <= 7 for pose in poses])


def _chunk(first: int, kind: Kind) -> tuple[np.ndarray, list[str]]:
    scenes = [_scene(first + index, kind) for index in range(_CHUNK)]
    return np.stack([_picture(scene, first + at) for at, scene in enumerate(scenes)]), [one.prompt for one in scenes]


def _picture(scene: Scene, index: int) -> np.ndarray:
    """A frame of a scene: the first, or of one that moves any."""
    if isinstance(scene, MovingScene):
        return scene.picture(index % _MOVING_FRAMES, _MOVING_FRAMES)
    first: np.ndarray = scene.render()[0]
    return first


def token_ids(tokenizer: CLIPTokenizer, prompts: list[str]) -> torch.Tensor:
    """Padded token ids, int64 (prompts, length)."""
    ids: torch.Tensor = tokenizer(prompts, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return ids


@torch.no_grad()
def normalise_latents(vae: AutoencoderKL, pictures: np.ndarray) -> None:
    """Fold each latent channel's mean and deviation over ``pictures`` into the VAE's 1x1 convolutions.

    Afterwards latents of scenes have mean 0 and deviation 1 in every channel, so the scaling factor is 1.
    """
    means = torch.cat([vae.encode(to_tensor(part)).latent_dist.mean for part in np.array_split(pictures, 8)])
    mean, std = means.mean((0, 2, 3)), means.std((0, 2, 3))
    channels = len(mean)
    # Both are there, with a bias: a VAE may lack them, the one of CONFIG has them.
    encoding, decoding = cast(nn.Conv2d, vae.quant_conv), cast(nn.Conv2d, vae.post_quant_conv)
    bias, back_bias = cast(torch.Tensor, encoding.bias), cast(torch.Tensor, decoding.bias)
    weight, back = encoding.weight, decoding.weight
    weight[:channels] /= std[:, None, None, None]
    bias[:channels] = (bias[:channels] - mean) / std
    bias[channels:] -= 2 * std.log()
    back_bias += back[:, :, 0, 0] @ mean
    back *= std[None, :, None, None]


def encode_scenes(
    vae: AutoencoderKL, tokenizer: CLIPTokenizer, path: Path, count: int, kind: Kind, device: str = "cpu"
) -> None:
    """Write latents float16 (count, c, 16, 16) and ids int16 (count, length) of ``count`` random scenes.

    Aligned scenes have the same latent pattern for an object wherever it lies, so shapes are learned from
    them many times sooner than from free poses.
    """
    vae = cast(Any, vae).to(device, torch.bfloat16, memory_format=torch.channels_last).eval()
    latents, ids = [], []
    # Drawing yields to encoding, whose threads would otherwise wait for one another at every layer.
    with Pool(os.cpu_count(), os.nice, (10,)) as pool, torch.no_grad():
        for pictures, prompts in pool.imap(partial(_chunk, kind=kind), range(0, count, _CHUNK)):
            x = to_tensor(pictures, device).to(torch.bfloat16)
            latents.append(vae.encode(x).latent_dist.mean.half().contiguous().cpu())
            ids.append(token_ids(tokenizer, prompts).short())
    temporary = path.with_suffix(".tmp")
    save_file({"latents": torch.cat(latents), "ids": torch.cat(ids)}, temporary)
    temporary.rename(path)


def load_scenes(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The latents and token ids that ``encode_scenes`` wrote."""
    tensors = load_file(path)
    return tensors["latents"], tensors["ids"]
