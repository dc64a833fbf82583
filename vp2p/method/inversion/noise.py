"""The way to noise without inversion: a reduced clip under drawn noise (Dreamix, Molad et al., 2302.01329)."""

from __future__ import annotations

from typing import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from vp2p.method.inversion.direct import source, unconditional
from vp2p.method.inversion.protocol import InversionTask, Inverted, OnInversionStep
from vp2p.method.schedule import Schedule, generator

__all__ = ["OPTIONS", "invert", "noised", "reduce_and_enlarge", "source", "unconditional"]

OPTIONS: tuple[str, ...] = ("downsample", "seed")


def invert(task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Inverted:
    """See :class:`vp2p.method.inversion.protocol.InversionMethod`; no pass of the model is needed."""
    settings = task.settings
    clip, reduced = task.encode(task.pixels), task.encode(reduce_and_enlarge(task.pixels, settings.downsample))
    trajectory = noised(task.schedule, clip, reduced, generator(settings.seed))
    return Inverted(trajectory, {}, trajectory[0])


def reduce_and_enlarge(frames: np.ndarray, times: int) -> np.ndarray:
    """Frames that lost their detail: each side averaged to a ``times``-th, then bicubic back. uint8 (F, H, W, 3)."""
    height, width = frames.shape[1:3]
    pixels = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float()
    small = adaptive_avg_pool2d(pixels, (max(1, height // times), max(1, width // times)))
    back = interpolate(small, (height, width), mode="bicubic") if times > 1 else pixels
    return back.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()


def noised(schedule: Schedule, clip: Tensor, reduced: Tensor, random: torch.Generator) -> Tensor:
    """A trajectory as an inversion's: the clip, then the reduced clip under more and more of one drawn noise.

    Args:
        clip, reduced: latents (F, c, h, w).

    Returns:
        (T+1, F, c, h, w); index 0 is the clip.
    """
    noise = torch.randn(reduced.shape, generator=random).to(reduced)
    alphas = torch.tensor(schedule.alphas[1:]).to(reduced).view(-1, 1, 1, 1, 1)
    return torch.cat([clip[None], alphas.sqrt() * reduced + (1 - alphas).sqrt() * noise])
