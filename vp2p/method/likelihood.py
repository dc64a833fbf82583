"""How likely the model finds pictures, given a prompt: how well it denoises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vp2p.method.schedule import generator, training_target

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

    from vp2p.t2s.inflation import TextToSetModel

_NOISE = (0.6, 0.8)  # shares of the model's timesteps, at which a picture's objects are decided
_DRAWS = 2


@torch.no_grad()
def denoising_loss(
    model: TextToSetModel, scheduler: DDIMScheduler, latents: Tensor, cond: Tensor, mask: Tensor
) -> Tensor:
    """Mean squared error of the prediction for noised latents, inside a mask, each frame by itself.

    The lower, the likelier the frame given the prompt (Li et al., "Your diffusion model is secretly a
    zero-shot classifier", 2303.16203, equation 5, with few draws). All frames have the same noise.
    The noise levels stay apart, since errors differ in size from one to the next.

    Args:
        latents: (F, c, h, w).
        cond: (1, L, width).
        mask: (F, h, w), weights.

    Returns:
        (noise levels, F)
    """
    random = generator(0)
    weight = mask[:, None] / mask.sum((1, 2))[:, None, None, None].clamp(min=1e-6)
    losses = []
    for share in _NOISE:
        timestep = int(share * scheduler.config.num_train_timesteps)
        at = torch.full((1,), timestep, device=latents.device)
        for _ in range(_DRAWS):
            noise = torch.randn(latents[:1].shape, generator=random).to(latents).expand_as(latents)
            noisy, target = scheduler.add_noise(latents, noise, at), training_target(scheduler, latents, noise, at)
            found = model(noisy[:, None], timestep, cond.expand(len(latents), -1, -1))[:, 0]
            losses.append(((found - target) ** 2 * weight).sum((1, 2, 3)))
    return torch.stack(losses).view(len(_NOISE), _DRAWS, -1).mean(1)
