"""A perceptual distance without a network: gradient magnitude similarity deviation.

Xue, Zhang, Mou and Bovik, IEEE Transactions on Image Processing 23(2), 2014, section II; 1308.3052.
"""

from __future__ import annotations

import numpy as np

_LUMA = np.array((0.299, 0.587, 0.114))
_C = 170.0  # the paper's constant for values of 0..255


def gmsd(first: np.ndarray, second: np.ndarray) -> float:
    """The mean over frames of the deviation of gradient similarity: 0 for equal luminance, larger is worse.

    Luminance is averaged 2 x 2 and halved, gradients are Prewitt's. It does not see a change of hue.

    Args:
        first, second: uint8 (F, H, W, 3) of one shape.
    """
    one, other = _gradients(first), _gradients(second)
    similarity = (2 * one * other + _C) / (one**2 + other**2 + _C)
    return float(similarity.std(axis=(1, 2)).mean())


def _gradients(frames: np.ndarray) -> np.ndarray:
    """Gradient magnitudes of the halved luminance, at the pixels that have all neighbours."""
    luma = frames.astype(np.float64) @ _LUMA
    height, width = (side // 2 * 2 for side in luma.shape[1:])
    half = luma[:, :height, :width].reshape(-1, height // 2, 2, width // 2, 2).mean((2, 4))
    rows = half[:, :-2] + half[:, 1:-1] + half[:, 2:]
    columns = half[:, :, :-2] + half[:, :, 1:-1] + half[:, :, 2:]
    across = (rows[:, :, 2:] - rows[:, :, :-2]) / 3
    down = (columns[:, 2:] - columns[:, :-2]) / 3
    magnitude: np.ndarray = np.hypot(across, down)
    return magnitude
