"""How alike the structure of two clips is: SSIM (Wang, Bovik, Sheikh and Simoncelli, 2004)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(first: np.ndarray, second: np.ndarray) -> float | None:
    """Mean SSIM of two uint8 clips (F, H, W, 3), each colour channel for itself; 1 if equal.

    Gaussian window of 11 x 11 and sigma 1.5, where it lies wholly in the frame; so there is none of smaller
    frames. K1 = 0.01, K2 = 0.03, a range of 255.
    """
    if min(first.shape[1:3]) < _WINDOW:
        return None
    return sum(_frame(one, other) for one, other in zip(first, second)) / len(first)


def _frame(first: np.ndarray, second: np.ndarray) -> float:
    x, y = (torch.from_numpy(frame).double().permute(2, 0, 1)[:, None] for frame in (first, second))
    mean_x, mean_y = _blurred(x), _blurred(y)
    var_x = _blurred(x * x) - mean_x**2
    var_y = _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    light = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (var_x + var_y + _C2)
    return float((light * structure).mean())


def _blurred(x: Tensor) -> Tensor:
    offsets = torch.arange(_WINDOW, dtype=x.dtype) - _WINDOW // 2
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    weights = weights / weights.sum()
    return conv2d(conv2d(x, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
