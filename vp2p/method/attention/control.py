"""Attention control without attention maps (Prompt-to-Prompt, section 3; Video-P2P, Algorithm 1).

Swap, refinement and re-weighting are linear in the maps: ``A' = A_s · W + A_t · diag(w)``, with W
and w known before the step. So ``A' V = attention(q_s, k_s, W V_t) + attention(q_t, k_t, diag(w) V_t)``,
and fused attention serves both terms. Maps are formed only where the blend mask reads them.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Collection, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.regions import Modulation
from vp2p.method.attention.store import AttentionStore
from vp2p.prompts.align import TokenMap
from vp2p.t2s.attention import AttentionLayer
from vp2p.t2s.fused import attend
from vp2p.t2s.windows import Window


@dataclass(frozen=True)
class TargetControl:
    """Control of one target's conditional branch at one step.

    ``tokens`` is the linear form of the cross-attention, on the CPU, so that asking what it does waits for no device.
    ``replace`` holds the roles whose maps are the source's at this step, ``maps`` collects what the blend mask is
    made of, ``modulation`` draws words to where the edit may act.
    """

    branch: int
    tokens: TokenMap
    replace: frozenset[str]
    maps: AttentionStore | None
    modulation: Modulation | None = None

    def in_window(self, window: Window) -> TargetControl:
        """The same for a pass of some frames."""
        if self.modulation is None:
            return self
        return dataclasses.replace(self, modulation=self.modulation.in_window(window))

    @property
    def acts(self) -> bool:
        """Whether it reads the source, or leaves the target's attention other than plain."""
        plain = not self.takes and bool((self.tokens.keep == 1).all())
        return bool(self.replace) or self.maps is not None or self.modulation is not None or not plain

    @cached_property
    def takes(self) -> bool:
        """Whether a token takes a map of the source's."""
        return bool(self.tokens.source.any())

    @cached_property
    def keeps(self) -> bool:
        """Whether a token keeps any of its own map."""
        return bool(self.tokens.keep.any())

    @cached_property
    def _placed(self) -> dict[tuple[torch.device, torch.dtype], TokenMap]:
        return {}

    def tokens_like(self, x: Tensor) -> TokenMap:
        """``tokens`` where ``x`` is and in its format; copied once a step, not once a layer."""
        where = x.device, x.dtype
        if where not in self._placed:
            source, keep = (part.to(*where, non_blocking=True) for part in (self.tokens.source, self.tokens.keep))
            self._placed[where] = TokenMap(source, keep)
        return self._placed[where]


class EditControl:
    """Injects the source's attention into the targets' conditional branches at one step.

    Args:
        branches: how many branches the batch holds.
        source: the source's conditional branch; the targets name theirs.
        replaced_tokens: tokens a frame of the finest level at which frame attention is replaced; it is at
            this one and coarser ones, as in Prompt-to-Prompt.
        map_tokens: tokens a frame of the levels whose maps are collected.
    """

    def __init__(
        self,
        branches: int,
        source: int,
        targets: Sequence[TargetControl],
        replaced_tokens: int,
        map_tokens: Collection[int],
    ) -> None:
        self.branches = branches
        self.source = source
        self.targets = targets
        self.replaced_tokens = replaced_tokens
        self.map_tokens = map_tokens
        self._window: Window | None = None

    def in_window(self, window: Window) -> EditControl:
        """See :class:`vp2p.t2s.attention.Controller`."""
        same = copy.copy(self)
        same._window = window
        same.targets = [target.in_window(window) for target in self.targets]
        return same

    def is_plain(self, layer: AttentionLayer, tokens: int) -> bool:
        """See :class:`vp2p.t2s.attention.Controller`."""
        return tokens > self.replaced_tokens or not self._replaced(layer)

    def _replaced(self, layer: AttentionLayer) -> list[int]:
        """The branches whose self-attention is the source's in a layer of coarse maps."""
        return [target.branch for target in self.targets if layer.role in target.replace]

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        """See :class:`vp2p.t2s.attention.Controller`."""
        if layer.role == "cross":
            return self._cross(layer, q, k, v, frames)
        if layer.role == "frame" and q[..., 0].numel() // (q.shape[1] * self.branches * frames) > self.replaced_tokens:
            return attend(q, k, v)
        replaced = self._replaced(layer)
        if not replaced:
            return attend(q, k, v)
        q, k = (part.unflatten(0, (self.branches, -1)).clone() for part in (q, k))
        for branch in replaced:
            q[branch], k[branch] = q[self.source], k[self.source]
        return attend(q.flatten(0, 1), k.flatten(0, 1), v)

    def _cross(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        q, k, v = (part.unflatten(0, (self.branches, -1)) for part in (q, k, v))
        q_s, k_s, v_s = (part[self.source] for part in (q, k, v))
        map_layer = layer.place != "mid" and q[0, :, 0].shape[:-1].numel() // frames in self.map_tokens
        by_branch = {target.branch: target for target in self.targets}
        out = []
        for branch in range(self.branches):
            target = by_branch.get(branch)
            if target is None:
                out.append(attend(q[branch], k[branch], v[branch]))
            elif target.modulation is not None or (target.maps is not None and map_layer):
                source_maps = attention_maps(q_s, k_s)
                edited = attention_maps(q[branch], k[branch], target.modulation, frames)
                tokens = target.tokens_like(edited)
                edited = source_maps @ tokens.source + edited * tokens.keep
                if target.maps is not None and map_layer:
                    target.maps.add(source_maps, edited, frames, self._window)
                out.append(edited.to(v.dtype) @ v[branch])
            else:
                out.append(edited_attention(target, q_s, k_s, q[branch], k[branch], v[branch]))
        return torch.stack(out).flatten(0, 1)


def attention_maps(q: Tensor, k: Tensor, modulation: Modulation | None = None, frames: int = 1) -> Tensor:
    """``softmax(q kᵀ / √d)`` in float32, modulated where that is asked: (g, heads, N, L)."""
    # Half precision can overflow before the softmax, as the library's upcast_attention tells of SD 2.1.
    scores: Tensor = q.float() @ k.float().transpose(-1, -2) * q.shape[-1] ** -0.5
    if modulation is not None:
        scores = modulation.scores(scores, frames)
    return scores.softmax(-1)


def edited_attention(target: TargetControl, q_s: Tensor, k_s: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """``(A_s · W + A_t · diag(w)) V`` by fused attention; a term whose factor is zero is skipped.

    Args:
        target: whose ``tokens`` are W (L, L) and w (L,).
        q_s, q: (g, heads, N, d), source's and target's queries; k_s, k, v: (g, heads, L, d).
    """
    tokens = target.tokens_like(v)
    terms = []
    if target.takes:
        terms.append(attend(q_s, k_s, tokens.source @ v))
    if target.keeps:
        terms.append(attend(q, k, tokens.keep[:, None] * v))
    if not terms:
        return torch.zeros_like(q)
    return terms[0] if len(terms) == 1 else terms[0] + terms[1]
