"""Where an edit may act, at each size of attention maps; and words that are drawn to it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

if TYPE_CHECKING:
    from vp2p.t2s.windows import Window


SHARE = 0.3  # of the steps, from the first: later ones no longer decide where things are


class Region:
    """A mask (F, h, w) in 0…1 at the sizes (height, width) of a model's maps."""

    def __init__(self, mask: Tensor, sizes: Sequence[tuple[int, int]]) -> None:
        self._mask, self._sizes = mask.float(), {math.prod(size): size for size in sizes}
        self._pooled: dict[int, Tensor] = {}
        self.outside = 1 - self._mask.mean()

    def in_window(self, window: Window) -> Region:
        """The same of some of the frames; how much is outside is that of all frames that pass at the same time."""
        same = Region(window.of(self._mask, dim=0), list(self._sizes.values()))
        same.outside = 1 - window.joined(same._mask[None]).mean()
        return same

    def at(self, tokens: int) -> Tensor:
        """(F, n) where a frame's maps have n tokens."""
        if tokens not in self._pooled:
            self._pooled[tokens] = adaptive_avg_pool2d(self._mask[:, None], self._sizes[tokens])[:, 0].flatten(1)
        return self._pooled[tokens]


@dataclass(frozen=True)
class Modulation:
    """Draws words to a region (Yang et al., VideoGrain, 2502.17258, section 3.3, of cross-attention).

    Inside the region the words' scores are raised towards the highest, outside they are lowered towards the lowest:
    by ``strength`` of the way, the more the smaller the region.
    """

    tokens: tuple[int, ...]
    region: Region
    strength: float

    def in_window(self, window: Window) -> Modulation:
        """The same of some of the frames."""
        return Modulation(self.tokens, self.region.in_window(window), self.strength)

    def scores(self, scores: Tensor, frames: int) -> Tensor:
        """Scores before the softmax, (g, heads, F·n/g, L), modulated."""
        g, _, rows, _ = scores.shape
        inside = self.region.at(g * rows // frames).reshape(g, 1, rows, 1).to(scores)
        highest, lowest = scores.amax(-1, keepdim=True), scores.amin(-1, keepdim=True)
        share = self.strength * self.region.outside
        # A slice for each token, as an index of several would wait for the device.
        parts = list(scores.split(1, dim=-1))
        for token in self.tokens:
            own = parts[token]
            parts[token] = own + share * (inside * (highest - own) - (1 - inside) * (own - lowest))
        return torch.cat(parts, dim=-1)


def strength_at(modulate: float, step: int, steps: int) -> float:
    """How strongly words are drawn to the region at a step of 0…T-1: less at each, and then no longer."""
    return modulate * (1 - step / steps) ** 5 if step < SHARE * steps else 0.0
