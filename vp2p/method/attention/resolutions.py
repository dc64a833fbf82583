"""Which resolution of the UNet an attention map belongs to, for any latent size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from vp2p.t2s.attention import AttentionLayer


@dataclass(frozen=True)
class AttentionResolutions:
    """Map sizes by level for one latent size; level i has halved i times, rounded up.

    ``blend`` is the level whose maps outline the edit, ``with_text`` those with attention to the text.
    """

    sizes: tuple[tuple[int, int], ...]
    blend: int
    with_text: tuple[int, ...]

    @classmethod
    def of(
        cls, layers: Sequence[AttentionLayer], height: int, width: int, blend: int | None = None
    ) -> AttentionResolutions:
        """The levels of a model with ``layers`` on latents of ``height`` x ``width``.

        The published mask uses 16 x 16 maps of a 64 x 64 latent. So the level nearest to a quarter
        of the latent is chosen, among those with attention to the text on the way down; but maps of
        fewer than 16 cells a side outline little, so on small latents the target is 16 cells, or
        the latent itself.
        """
        with_text = sorted(
            {int(layer.name.split(".")[1]) for layer in layers if layer.role == "cross" and layer.place == "down"}
        )
        sizes = [(height, width)]
        for _ in range(max(with_text, default=0) + 1):  # the middle may be a level below
            sizes.append((math.ceil(sizes[-1][0] / 2), math.ceil(sizes[-1][1] / 2)))
        if blend is None:
            side = math.sqrt(height * width)
            wanted = max(side / 4, min(16.0, side))
            blend = min(with_text, key=lambda level: abs(math.log(math.sqrt(math.prod(sizes[level])) / wanted)))
        return cls(tuple(sizes), blend, tuple(with_text))

    @property
    def blend_size(self) -> tuple[int, int]:
        """(height, width) of the maps that outline the edit."""
        return self.sizes[self.blend]

    @property
    def blend_tokens(self) -> int:
        return math.prod(self.blend_size)

    def map_sizes(self, every: bool) -> list[tuple[int, int]]:
        """(height, width) of the maps that outline the edit: of one level, or of ``every`` one that reads the text."""
        return [self.sizes[level] for level in self.with_text] if every else [self.blend_size]

    def map_tokens(self, every: bool) -> frozenset[int]:
        """Tokens a frame of :meth:`map_sizes`."""
        return frozenset(math.prod(size) for size in self.map_sizes(every))
