"""How near two clips are, pixel by pixel: PSNR, over all of them or over the region that should stay."""

from __future__ import annotations

import numpy as np


def psnr(first: np.ndarray, second: np.ndarray, kept: np.ndarray | None = None) -> float | None:
    """Peak signal-to-noise ratio in dB of two uint8 clips (F, H, W, 3), of all frames' error together.

    Args:
        kept: bool (F, H, W), the pixels that count; by default all. See :meth:`vp2p.metrics.region.Region.kept_pixels`.

    Returns:
        Infinite where the clips are equal, None where no pixel counts.
    """
    size = first.size if kept is None else int(kept.sum()) * first.shape[-1]
    if not size:
        return None
    # Frame by frame, or the floats of a long clip would take much memory. Sums of whole numbers are exact.
    counted = [...] * len(first) if kept is None else kept
    pairs = ((one[where].astype(np.float64), other[where]) for one, other, where in zip(first, second, counted))
    error = sum(((one - other) ** 2).sum() for one, other in pairs) / size
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))
