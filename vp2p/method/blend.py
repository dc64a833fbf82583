"""Local blend: where the edit may act (Prompt-to-Prompt, section 3; Video-P2P, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d


class WordMaps:
    """Running sums of the blend words' cross-attention, for source and target.

    ``sums`` is (2, F, n): row 0 source, row 1 target; n tokens at the blend level.
    """

    def __init__(self, source_tokens: tuple[int, ...], target_tokens: tuple[int, ...]) -> None:
        self.tokens = (source_tokens, target_tokens)
        self.sums: Tensor | None = None

    def add(self, source: Tensor, target: Tensor, frames: int) -> None:
        """Adds one layer's maps, each (g, heads, F·n/g, L), of the source and of the edited target."""
        added = torch.stack([word_map(maps, tokens, frames) for maps, tokens in zip((source, target), self.tokens)])
        self.sums = added if self.sums is None else self.sums + added


def word_map(maps: Tensor, tokens: tuple[int, ...], frames: int) -> Tensor:
    """One layer's attention to a word: its tokens' maps of (g, heads, F·n/g, L) summed, heads averaged: (F, n)."""
    return maps[..., list(tokens)].float().sum(-1).mean(1).reshape(frames, -1)


def outline(sums: Tensor, map_size: tuple[int, int], latent_size: tuple[int, int], threshold: float) -> Tensor:
    """The mask of the edit.

    Maps are max-pooled 3 x 3, enlarged to the latents, divided by their maximum in each frame and
    cut at ``threshold``; the words' masks in source and target are united.

    Args:
        sums: (2, F, n) from :class:`WordMaps`.

    Returns:
        (F, h, w) bool.
    """
    maps = sums.unflatten(-1, map_size)  # (2, F, map height, map width)
    maps = interpolate(max_pool2d(maps, 3, stride=1, padding=1), size=latent_size)
    peak = maps.amax(dim=(-2, -1), keepdim=True)
    # A side without blend words has no maps, and so no mask.
    return ((maps / peak.clamp(min=1e-12)) > threshold).any(dim=0)


def blend(source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """``x + mask · (x* − x)``: source latents outside the mask, to the bit.

    Args:
        source, target: (…, F, c, h, w).
        mask: (F, h, w), bool or in 0…1.
    """
    weight = mask.to(target.dtype)[:, None]
    return torch.where(weight == 0, source, torch.where(weight == 1, target, source + weight * (target - source)))
