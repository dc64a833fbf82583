"""How much the edited object changes from frame to frame: object semantic variance (Video-P2P, experiments)."""

from __future__ import annotations

from torch import Tensor


def object_variance(objects: Tensor) -> float | None:
    """The variance over frames of the object's embeddings, summed over channels.

    Args:
        objects: (F, D), CLIP embeddings of norm 1 of the object's square in each frame that shows it.

    Returns:
        0 for an object that stays the same, at most 1; None of fewer than two frames.
    """
    if len(objects) < 2:
        return None
    return float(objects.double().var(dim=0, correction=0).sum())
