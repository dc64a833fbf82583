"""What key frames attend to, laid over the other frames along the source's features (TokenFlow, 2307.10373)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from vp2p.t2s.attention import AttentionLayer, Controller
    from vp2p.t2s.windows import Window


EVERY = 4  # frames from one key frame to the next; the paper's batches have 8 at a much higher rate


def key_frames(frames: int) -> list[int]:
    """The frames that others are made of: the first, the last, and those between them at most four apart."""
    gaps = max(1, -(-(frames - 1) // EVERY))
    return sorted({round(gap * (frames - 1) / gaps) for gap in range(gaps + 1)})


class TokenFlow:
    """Makes the frame attention of targets from that of their key frames (section 4.2, equations 4 to 6).

    Each token of another frame finds its likest in the two key frames around, among the source's queries, and takes
    what these attend to, weighted by how near the frames are.

    Args:
        inner: the control before it.
        branches: how many the batch holds; the first is the source's.
        targets: the targets' branches.
    """

    def __init__(self, inner: Controller, branches: int, targets: Sequence[int], window: Window | None = None) -> None:
        self._inner, self._branches, self._targets, self._window = inner, branches, targets, window

    def in_window(self, window: Window) -> TokenFlow:
        """See :class:`vp2p.t2s.attention.Controller`."""
        return TokenFlow(self._inner.in_window(window), self._branches, self._targets, window)

    def is_plain(self, layer: AttentionLayer, tokens: int) -> bool:
        """See :class:`vp2p.t2s.attention.Controller`."""
        return False

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        """See :class:`vp2p.t2s.attention.Controller`."""
        out = self._inner.attend(layer, q, k, v, frames)
        if layer.role != "frame":
            return out
        features, made = (_by_frame(part, self._branches, frames) for part in (q, out))
        if self._window is not None:  # other ranks hold some of its frames
            features, made = self._window.joined(features), self._window.joined(made)
        frames = made.shape[1]
        if frames < 3:
            return out
        source = normalize(features[0].flatten(2), dim=-1)  # (F, n, heads·d)
        keys = key_frames(frames)
        for frame in range(frames):
            if frame in keys:
                continue
            before = max(key for key in keys if key < frame)
            after = min(key for key in keys if key > frame)
            near = (frame - before) / (after - before)
            first, second = ((source[frame] @ source[key].T).argmax(-1) for key in (before, after))
            for branch in self._targets:
                taken = (made[branch, before].index_select(0, first), made[branch, after].index_select(0, second))
                made[branch, frame] = torch.lerp(*taken, near)
        return _as_before(made if self._window is None else self._window.own(made), out)


def _by_frame(x: Tensor, branches: int, frames: int) -> Tensor:
    """(B·g, heads, F·n/g, d) as (B, F, n, heads, d), a copy."""
    rows = x.transpose(1, 2).contiguous()
    return rows.view(branches, frames, -1, *rows.shape[2:]).clone()


def _as_before(x: Tensor, like: Tensor) -> Tensor:
    """(B, F, n, heads, d) in the shape that it had."""
    return x.reshape(len(like), -1, *x.shape[3:]).transpose(1, 2)
