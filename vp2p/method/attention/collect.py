"""Where the model sees each word of a prompt in a clip, before anything is edited (Prompt-to-Prompt, section 3)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.control import attention_maps
from vp2p.method.attention.store import word_map
from vp2p.method.schedule import Schedule, no_progress
from vp2p.t2s.attention import AttentionLayer
from vp2p.t2s.fused import attend
from vp2p.t2s.windows import Window

if TYPE_CHECKING:
    from vp2p.t2s.inflation import TextToSetModel


class MapCollector:
    """A :class:`vp2p.t2s.attention.Controller` that changes nothing, and sums the words' maps by level.

    Args:
        words: each word's token positions.
        tokens: tokens a frame of the levels that are wanted. As for the blend mask, layers on the
            way down and up count, and the middle does not.
    """

    def __init__(self, words: Sequence[tuple[int, ...]], tokens: Sequence[int]) -> None:
        self._words = words
        self._sums: dict[int, Tensor] = {size: torch.zeros(()) for size in tokens}
        self._counts = dict.fromkeys(tokens, 0.0)
        self._window: Window | None = None

    def in_window(self, window: Window) -> MapCollector:
        """See :class:`vp2p.t2s.attention.Controller`; the sums are the same ones."""
        same = copy.copy(self)
        same._window = window
        return same

    def is_plain(self, layer: AttentionLayer, tokens: int) -> bool:
        """See :class:`vp2p.t2s.attention.Controller`."""
        return True

    def attend(self, layer: AttentionLayer, q: Tensor, k: Tensor, v: Tensor, frames: int) -> Tensor:
        """See :class:`vp2p.t2s.attention.Controller`; one branch."""
        if layer.role == "cross" and layer.place != "mid":
            tokens = q.shape[0] * q.shape[2] // frames
            if tokens in self._sums:
                maps = attention_maps(q, k)
                added = torch.stack([word_map(maps, word, frames) for word in self._words])
                added = added if self._window is None else self._window.among_all(added)
                self._sums[tokens] = self._sums[tokens] + added
                self._counts[tokens] += 1.0 if self._window is None else self._window.share
        return attend(q, k, v)

    def mean(self, tokens: int) -> Tensor:
        """(words, F, n), the mean over layers and passes at the level of n ``tokens``."""
        return self._sums[tokens] / self._counts[tokens]


class Trajectory(NamedTuple):
    """A clip on its way to noise.

    ``latents`` is (T+1, F, c, h, w), index 0 the clip; ``cond`` (1, L, width) embeds its prompt.
    """

    schedule: Schedule
    latents: Tensor
    cond: Tensor


class MapQuery(NamedTuple):
    """Which maps are wanted: of each word's token positions, at map sizes (height, width), at steps of 0…T-1.

    Steps are counted as an edit walks them: 0 is at the noise.
    """

    words: Sequence[tuple[int, ...]]
    sizes: Sequence[tuple[int, int]]
    steps: range


@torch.no_grad()
def collect_maps(
    model: TextToSetModel, trajectory: Trajectory, query: MapQuery, on_step: Callable[[int], None] = no_progress
) -> Mapping[tuple[int, int], Tensor]:
    """The words' attention maps on the latents that an edit would pass; ``on_step`` gets the number of steps done.

    Returns:
        For each size (words, F, height, width): the chance that a cell attends to the word, the mean over
        heads, layers and steps.
    """
    schedule, latents, cond = trajectory
    collector = MapCollector(query.words, [height * width for height, width in query.sizes])
    for done, step in enumerate(query.steps, start=1):
        index = schedule.steps - step
        model(latents[index : index + 1], schedule.timestep(index), cond, collector)
        on_step(done)
    return {size: collector.mean(size[0] * size[1]).unflatten(-1, size) for size in query.sizes}


def spread(maps: Tensor) -> Tensor:
    """How much of the picture each word's attention is spread over: exp(H) / n, by its entropy H over n cells.

    1 where the attention is the same everywhere; a quarter if one quarter of the picture shares all of it.

    Args:
        maps: (words, F, h, w).

    Returns:
        (words,), the mean over frames.
    """
    cells = maps.flatten(2)
    shares = cells / cells.sum(-1, keepdim=True)
    entropy = -torch.special.xlogy(shares, shares).sum(-1)
    shares_seen: Tensor = entropy.exp() / cells.shape[-1]
    return shares_seen.mean(-1)
