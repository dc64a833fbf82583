"""How well the frames fit the prompt: CLIPScore without its cut at zero (Hessel et al., 2021)."""

from __future__ import annotations

from torch import Tensor


def frame_text(frames: Tensor, text: Tensor) -> float:
    """100 times the mean cosine between CLIP embeddings of the frames (F, D) and of the prompt (D,), each of norm 1."""
    return float(100 * (frames @ text).mean())
