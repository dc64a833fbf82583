"""The clip's own pixels put back wherever an edit changed nothing.

A VAE does not return a picture as it was. But both branches pass it, so where they agree in pixels, the
edit is not at work, and the clip itself is the better picture.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d, pad

# Differences, as shares of white, from which on a pixel begins to count as changed, and wholly does.
_FROM, _TO = 0.04, 0.12
_NEAR = 5  # pixels a side over which differences are averaged
_MARGIN = 3


def paste(clip: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The target with the clip's pixels where it is like the source; they fade into each other.

    Args:
        clip, source, target: uint8 (F, H, W, 3); the clip, and both branches as the VAE returns them.
    """
    own, before, after = map(planes, (clip, source, target))
    return (own + changed(before, after) * (after - own)).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def planes(frames: np.ndarray) -> Tensor:
    """uint8 (F, H, W, 3) as float32 (F, 3, H, W)."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()


def changed(before: Tensor, after: Tensor) -> Tensor:
    """How far each pixel is the edit's, (F, 1, H, W) in 0…1, of pictures (F, 3, H, W) in 0…255."""
    difference = (after - before).abs().amax(1, keepdim=True) / 255
    found = ((_mean(difference, _NEAR) - _FROM) / (_TO - _FROM)).clamp(0, 1)
    return _mean(max_pool2d(found, _MARGIN, stride=1, padding=_MARGIN // 2), _MARGIN)


def _mean(planes: Tensor, side: int) -> Tensor:
    return avg_pool2d(pad(planes, (side // 2,) * 4, mode="replicate"), side, stride=1)
