"""Tokens of later frames that are merged into the first frame's, in frame attention (VidToMe, Li et al., 2312.10656).

Axes: B branches, the source's first, F frames, n tokens of one frame's map, C tokens that are carried, w their width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import MutableMapping

import torch
from torch import Tensor
from torch.nn.functional import normalize

# Cells of the latents to a token of the coarsest maps that are merged, which halve each side once: as VidToMe advises
# (max_downsample 2). These do 93% of what frame attention computes in Stable Diffusion 1.5; see docs/benchmarks.md.
_COARSEST = 4
_CARRIED = 4  # a layer carries one token to so many of a frame's


@dataclass(frozen=True)
class Matching:
    """Source tokens and their destinations (Token Merging, Bolya & Hoffman, 2303.17604, section 3).

    The destinations are the first frame's tokens. ``kept`` (M,) are places among the clip's F·n tokens: all of the
    first frame, then those of the others that have a value of their own. ``values`` (F·n,) says for each token which
    of the M it takes its value from.
    """

    kept: Tensor
    values: Tensor

    def merge(self, tokens: Tensor) -> Tensor:
        """(B, F·n, w) to (B, M, w). A source token's value is dropped, so the first frame stays as it is."""
        return tokens.index_select(1, self.kept)

    def unmerge(self, tokens: Tensor) -> Tensor:
        """(B, M, w) to (B, F·n, w)."""
        return tokens.index_select(1, self.values)


class Merging:
    """What frame attention merges in the windows of one pass after another.

    All branches are matched as the source's tokens are, so that edits stay in step with the source. In a long clip,
    what a window shows that the first frame does not is carried to the next windows, as further keys and values.

    Args:
        share: of the tokens after the first frame, that are merged: from 0 to less than 1.
    """

    def __init__(self, share: float) -> None:
        self._share, self._cells = share, 0
        self._carried: MutableMapping[str, Tensor] | None = None

    def begin(self, cells: int, carried: MutableMapping[str, Tensor] | None) -> None:
        """Begins a pass of latents of so many cells.

        Args:
            carried: by the layer's name what is carried so far, (B, C, w); None where one window holds all frames.
        """
        self._cells, self._carried = cells, carried

    def acts(self, tokens: int, frames: int) -> bool:
        """Whether maps of so many tokens a frame are merged."""
        return frames > 1 and _COARSEST * tokens >= self._cells

    def at(self, layer: str, clip: Tensor) -> tuple[Matching, Tensor]:
        """The matching at a layer, and the tokens of keys and values: (B, n, w), or (B, n + C, w).

        Args:
            clip: (B, F, n, w), the layer's tokens of one window.
        """
        first, carried = clip[:, 0], None if self._carried is None else self._carried.get(layer)
        known = normalize(first[0] if carried is None else torch.cat([first[0], carried[0]]), dim=-1)
        # A frame after another, as all at once would take F times the memory.
        best = [_likest(frame, known, first.shape[1]) for frame in normalize(clip[0, 1:], dim=-1)]
        scores, places, likeness = (torch.stack(parts) for parts in zip(*best))
        if self._carried is not None:
            self._carried[layer] = _unlike(clip, carried, likeness)
        keys = first if carried is None else torch.cat([first, carried], 1)
        return _matching(scores, places, self._share), keys


def _likest(frame: Tensor, known: Tensor, first: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of unit tokens (n, w): cosine and place of the likest among the ``first`` of all that are known, and of all."""
    cosines = frame @ known.T
    score, place = cosines[:, :first].max(-1)
    return score, place, score if len(known) == first else cosines.amax(-1)


def _matching(scores: Tensor, places: Tensor, share: float) -> Matching:
    """The likest tokens merged; both are (F - 1, n), each token's cosine with its destination, and that one's place."""
    first, count = scores.shape[1], scores.numel()
    kept = scores.flatten().topk(count - int(share * count), largest=False, sorted=False).indices
    own = torch.arange(first + len(kept), device=scores.device)
    values = torch.cat([own[:first], places.flatten().scatter(0, kept, own[first:])])
    return Matching(torch.cat([own[:first], first + kept]), values)


def _unlike(clip: Tensor, carried: Tensor | None, likeness: Tensor) -> Tensor:
    """The tokens (B, C, w) to carry on: those least like the first frame's.

    They are taken from the frame that shows most that is not known, and from those that are ``carried`` already.

    Args:
        likeness: (F - 1, n), each token's cosine with the likest that is known.
    """
    newest = likeness.mean(1).argmin(0, keepdim=True)
    tokens, like = clip[:, 1:].index_select(1, newest).squeeze(1), likeness.index_select(0, newest).squeeze(0)
    if carried is not None:
        cosines = normalize(carried[0], dim=-1) @ normalize(clip[0, 0], dim=-1).T
        tokens, like = torch.cat([carried, tokens], 1), torch.cat([cosines.amax(-1), like])
    count = max(1, clip.shape[2] // _CARRIED)
    return tokens.index_select(1, like.topk(count, largest=False, sorted=False).indices)
