"""Blended self-attention: the source's maps outside the region of an edit, its own inside (FateZero, 2303.09535)."""

from __future__ import annotations

from typing import Mapping

from torch import Tensor

from vp2p.method.attention.regions import Region
from vp2p.t2s.attention import AttentionLayer, Controller
from vp2p.t2s.fused import attend
from vp2p.t2s.windows import Window


class SelfBlend:
    """Lets the targets' frame attention be their own inside their regions, where ``inner`` would replace it.

    Args:
        regions: by the targets' branches, of ``branches`` in the batch.
    """

    def __init__(self, inner: Controller, branches: int, regions: Mapping[int, Region]) -> None:
        self._inner, self._branches, self._regions = inner, branches, regions

    def in_window(self, window: Window) -> SelfBlend:
        """See :class:`vp2p.t2s.attention.Controller`."""
        regions = {branch: region.in_window(window) for branch, region in self._regions.items()}
        return SelfBlend(self._inner.in_window(window), self._branches, regions)

    def is_plain(self, layer: AttentionLayer, tokens: int) -> bool:
        """See :class:`vp2p.t2s.attention.Controller`."""
        return False

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        """See :class:`vp2p.t2s.attention.Controller`."""
        out = self._inner.attend(layer, q, k, v, frames)
        if layer.role != "frame":
            return out
        joined, q, k, v = (part.unflatten(0, (self._branches, -1)) for part in (out.clone(), q, k, v))
        g, _, rows, _ = joined.shape[1:]
        for branch, region in self._regions.items():
            own = attend(q[branch], k[branch], v[branch])
            inside = region.at(g * rows // frames).reshape(g, 1, rows, 1).to(own)
            joined[branch] += inside * (own - joined[branch])
        blended: Tensor = joined.flatten(0, 1)
        return blended
