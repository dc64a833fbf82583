"""The cross-attention maps of chosen words, summed over layers and steps (Prompt-to-Prompt, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from vp2p.t2s.windows import Window


class AttentionStore:
    """Running sums of the blend words' cross-attention, for source and target.

    ``sums`` holds (2, F, n) for each level of n tokens a frame: row 0 source, row 1 target.
    """

    def __init__(self, source_tokens: tuple[int, ...], target_tokens: tuple[int, ...]) -> None:
        self.tokens = (source_tokens, target_tokens)
        self.sums: dict[int, Tensor] = {}

    def add(self, source: Tensor, target: Tensor, frames: int, window: Window | None = None) -> None:
        """Adds one layer's maps, each (g, heads, F·n/g, L), of the source and of the edited target.

        Those of a ``window`` count in its frames, as much as it does.
        """
        added = torch.stack([word_map(maps, tokens, frames) for maps, tokens in zip((source, target), self.tokens)])
        added = added if window is None else window.among_all(added)
        cells = added.shape[-1]
        self.sums[cells] = self.sums[cells] + added if cells in self.sums else added


def word_map(maps: Tensor, tokens: tuple[int, ...], frames: int) -> Tensor:
    """One layer's attention to a word: its tokens' maps of (g, heads, F·n/g, L) summed, heads averaged: (F, n)."""
    # A slice for each token: an index of several would be copied to the device at every layer, which waits for it.
    parts = [maps[..., token].float() for token in tokens]
    total = torch.stack(parts, -1).sum(-1) if parts else maps.new_zeros(maps.shape[:-1], dtype=torch.float32)
    return total.mean(1).reshape(frames, -1)
