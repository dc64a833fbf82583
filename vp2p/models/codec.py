"""Frames to latents and back by the model's VAE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from vp2p.models.loading import LatentModel


# Frames pass the VAE in chunks of about this many pixels, and of no more frames, so memory does not grow with the clip.
_PIXELS_AT_ONCE, _MOST = 512 * 512, 16


@torch.no_grad()
def encode_frames(model: LatentModel, frames: np.ndarray, one_by_one: bool = False) -> Tensor:
    """Latents of frames: the mean of the VAE's posterior, shifted and scaled as its config says.

    Args:
        frames: uint8 RGB, shape (F, H, W, 3); H and W multiples of ``model.folder.downscale``.
        one_by_one: one frame passes at a time, however small.

    Returns:
        float32 (F, c, h, w) on the model's device.
    """
    latents = []
    for chunk in np.array_split(frames, _chunks(len(frames), frames.shape[1] * frames.shape[2], one_by_one)):
        pixels = torch.from_numpy(np.ascontiguousarray(chunk)).to(model.device, torch.float32)
        pixels = (pixels / 127.5 - 1.0).permute(0, 3, 1, 2)
        latents.append(model.vae.encode(pixels).latent_dist.mean)
    shift = model.vae.config.get("shift_factor") or 0.0
    scaled: Tensor = (torch.cat(latents) - shift) * model.vae.config.scaling_factor
    return scaled


@torch.no_grad()
def decode_latents(model: LatentModel, latents: Tensor, one_by_one: bool = False) -> np.ndarray:
    """Frames of latents (F, c, h, w), as uint8 RGB of shape (F, H, W, 3), rounded to the nearest; else as encoding."""
    shift = model.vae.config.get("shift_factor") or 0.0
    latents = latents.to(model.device, torch.float32) / model.vae.config.scaling_factor + shift
    area = latents.shape[2] * latents.shape[3] * model.folder.downscale**2
    frames = []
    for chunk in latents.tensor_split(_chunks(len(latents), area, one_by_one)):
        pixels = (model.vae.decode(chunk).sample + 1.0) * 127.5
        frames.append(pixels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(frames)


def frames_at_once(area: int) -> int:
    """How many frames of ``area`` pixels pass the VAE at once."""
    return min(_MOST, max(1, _PIXELS_AT_ONCE // area))


def _chunks(count: int, area: int, one_by_one: bool) -> int:
    """Into how many chunks ``count`` frames of ``area`` pixels are split."""
    return count if one_by_one else -(-count // frames_at_once(area))
