"""How steady a clip is along the source's motion: warp error (Lai et al., 2018, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vp2p.video.flow import optical_flow, warp

_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Motion:
    """The motion from each of a clip's frames to the next.

    ``flow`` is (F-1, 2, H, W) in pixels; ``seen`` (F-1, H, W) is False where a pixel leaves the
    frame or is hidden in the next one.
    """

    flow: Tensor
    seen: Tensor


def motion(frames: np.ndarray) -> Motion:
    """The motion in a clip, uint8 (F, H, W, 3); none in a single frame.

    A pixel is seen again if the flow back undoes the flow forth, within the bound of Sundaram, Brox
    and Keutzer (2010): ``|w + w'|^2 <= 0.01 (|w|^2 + |w'|^2) + 0.5``.
    """
    if len(frames) < 2:
        height, width = frames.shape[1:3]
        return Motion(torch.zeros(0, 2, height, width), torch.zeros(0, height, width, dtype=torch.bool))
    grey = (torch.from_numpy(frames).float() @ torch.tensor(_LUMA) / 255)[:, None]
    pairs = [_between(one, other) for one, other in zip(grey[:-1, None], grey[1:, None])]
    return Motion(torch.cat([flow for flow, _ in pairs]), torch.cat([seen for _, seen in pairs]))


def _between(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    forth, back = optical_flow(torch.cat([first, second]), torch.cat([second, first])).chunk(2)
    returned = warp(back, forth)
    bound = 0.01 * ((forth**2).sum(1) + (returned**2).sum(1)) + 0.5
    height, width = first.shape[-2:]
    x = torch.arange(width) + forth[:, 0]
    y = torch.arange(height)[:, None] + forth[:, 1]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return forth, inside & (((forth + returned) ** 2).sum(1) <= bound)


def warp_error(frames: np.ndarray, motion: Motion) -> float | None:
    """1000 times the mean squared difference, of pixels in 0...1, between frames and the next ones brought back.

    Args:
        frames: uint8 (F, H, W, 3).
        motion: of the clip whose motion the frames should have: the source's.

    Returns:
        The mean over pairs of frames of the mean over the pixels that are seen in both; None if none is.
    """
    if not len(motion.flow):
        return None
    pixels = torch.from_numpy(frames).float().permute(0, 3, 1, 2) / 255
    error = ((pixels[:-1] - warp(pixels[1:], motion.flow)) ** 2).mean(1)
    pairs = [float(one[seen].mean()) for one, seen in zip(error, motion.seen) if seen.any()]
    return 1000 * sum(pairs) / len(pairs) if pairs else None
