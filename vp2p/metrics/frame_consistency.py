"""How alike consecutive frames look to CLIP (Esser et al., Gen-1, 2023; V2VBench's frame consistency)."""

from __future__ import annotations

from torch import Tensor


def frame_consistency(frames: Tensor) -> float | None:
    """Mean cosine between CLIP embeddings (F, D) of norm 1 of neighbouring frames; None of a single frame."""
    if len(frames) < 2:
        return None
    return float((frames[1:] * frames[:-1]).sum(-1).mean())
