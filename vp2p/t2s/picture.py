"""Attention to a picture beside that to the text: the decoupled cross-attention of IP-Adapter (Ye et al., 2308.06721).

The picture's tokens and its scale travel as more rows of the text, so all that handles texts handles them, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import torch
from torch import Tensor
from torch.nn.functional import linear

from vp2p.t2s.attention import split_heads
from vp2p.t2s.fused import attend


def with_picture(text: Tensor, tokens: Tensor, scale: float) -> Tensor:
    """Texts (…, L, width) that show a picture of tokens (n, width), too: (…, L + n + 1, width).

    The last row says how strongly it acts.
    """
    rows = torch.cat([tokens, tokens.new_full((1, tokens.shape[1]), scale)]).to(text)
    return torch.cat([text, rows.expand(*text.shape[:-2], -1, -1)], -2)


def without_picture(text: Tensor, tokens: int) -> Tensor:
    """Texts of the same form that show none: their attention to a picture is exactly zero."""
    return with_picture(text, text.new_zeros(tokens, text.shape[-1]), 0.0)


@dataclass(frozen=True)
class ImageAttention:
    """How the layers of a model attend to ``tokens`` tokens of a picture.

    ``layers`` holds the weights of keys and values, each (out, width), by the layer's name.
    """

    layers: Mapping[str, tuple[Tensor, Tensor]]
    tokens: int

    def parted(self, text: Tensor) -> tuple[Tensor, Shown]:
        """Texts without the rows of a picture, and the pictures: the text is (rows, L + n + 1, width)."""
        rows = text[:, -self.tokens - 1 :]
        return text[:, : -self.tokens - 1], Shown(self.layers, rows[:, :-1], rows[:, -1:, :1, None])


@dataclass(frozen=True)
class Shown:
    """The pictures that one pass shows: ``tokens`` (rows, n, width) and ``scale`` (rows, 1, 1, 1), 0 for none."""

    layers: Mapping[str, tuple[Tensor, Tensor]]
    tokens: Tensor
    scale: Tensor

    def attended(self, layer: str, q: Tensor) -> Tensor:
        """What one of the layers adds to its attention to the text, of the shape of its queries (rows, heads, N, d)."""
        k, v = (split_heads(linear(self.tokens, weight), q.shape[1]) for weight in self.layers[layer])
        return self.scale * attend(q, k, v)
