"""DDIM inversion of a clip with the source prompt and no guidance (Video-P2P, section 3.2)."""

from __future__ import annotations

from typing import Callable

import torch
from torch import Tensor

from vp2p.method.schedule import Schedule, ddim_move, no_progress
from vp2p.t2s import TextToSetModel


@torch.no_grad()
def ddim_invert(
    model: TextToSetModel,
    schedule: Schedule,
    trajectory: Tensor,
    cond: Tensor,
    on_step: Callable[[Tensor], None] = no_progress,
) -> Tensor:
    """The latents from the clip to noise.

    Args:
        trajectory: (k+1, F, c, h, w), index 0 the clip's latents; k > 0 continues an interrupted run.
        cond: (1, L, width), the source prompt's embedding.
        on_step: called with the trajectory so far after each step.

    Returns:
        (T+1, F, c, h, w) float32; index T is ``x_T``.
    """
    for index in range(trajectory.shape[0], schedule.steps + 1):
        x = trajectory[-1:]
        # The noise at the next, noisier timestep stands for the unknown one of this step; a
        # velocity is read at that timestep's alpha too, or the step would not reverse.
        eps = schedule.noise(model(x, schedule.timestep(index), cond), x, index)
        moved = ddim_move(x, eps, schedule.alphas[index - 1], schedule.alphas[index])
        trajectory = torch.cat([trajectory, moved])
        on_step(trajectory)
    return trajectory


@torch.no_grad()
def ddim_reconstruct(
    model: TextToSetModel,
    schedule: Schedule,
    x_T: Tensor,
    cond: Tensor,
    on_step: Callable[[Tensor], None] = no_progress,
) -> Tensor:
    """The source branch without guidance, from noise back to the clip.

    Args:
        x_T: (1, F, c, h, w).
        cond: (1, L, width).

    Returns:
        (F, c, h, w).
    """
    x = x_T
    for index in range(schedule.steps, 0, -1):
        x = schedule.denoise(model(x, schedule.timestep(index), cond), x, index)
        on_step(x)
    return x[0]
