"""Several tries of one frame's edit, from free to held, so that the likeliest can be kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import torch
from torch import Tensor

from vp2p.method.schedule import generator
from vp2p.settings import EditSettings

_HOLDS = (0.0, 0.5, 1.0)
_TURNS = 2**16  # a seed of an edit stands for so many of the tries' own, more than there are turns
# Another object may be of another shape. Tries of the later turns may reach so many times as far beyond the old one.
_WIDER = 1.5
_LITTLE = 0.6  # of how well the new words tell the version that they tell best: what they tell less may show nothing
# Times as badly counts a try from drawn noise: the clip's own keeps the object's pose. Where the object itself is kept,
# it keeps the drawing as well.
_DRAWN, _REDRAWN = 1.2, 2.0


@dataclass(frozen=True)
class Candidate:
    """One try: ``hold`` is how much of the edit's control by the source it keeps, 0…1.

    With a ``seed`` it starts from noise drawn anew where the edit may act, else from the clip's own. It may reach
    ``room`` times as far beyond the old object as the first tries.
    """

    hold: float
    seed: int | None = None
    room: float = 1.0

    def settings(self, edit: EditSettings) -> EditSettings:
        """The edit's settings, held less; an edit that is to keep the old shape holds each candidate to it."""
        hold = max(self.hold, 1 - 2 * edit.control.freedom)
        cross, self_ = edit.control.cross_window * hold, edit.control.self_window * hold
        held = replace(edit.control, shape_freedom=None, cross_replace=cross, self_replace=self_)
        return replace(edit, control=held)

    def handicap(self, replaces: bool) -> float:
        """How many times as badly its loss counts; ``replaces`` tells an edit to another object."""
        if self.seed is None:
            return 1.0
        return _DRAWN if replaces else _REDRAWN

    def start(self, x_T: Tensor, mask: Tensor) -> Tensor:
        """Where it starts, of latents (F, c, h, w) and a mask (F, h, w); noise that is drawn is that of all frames."""
        if self.seed is None:
            return x_T
        drawn = torch.randn(x_T[:1].shape, generator=generator(self.seed)).to(x_T)
        return drawn.where(mask[:, None] > 0, x_T)


def candidates(count: int, replaces: bool, seed: int | None = None) -> list[Candidate]:
    """The first ``count`` tries: from the clip's own noise, then from other noise; with a ``seed`` all from other.

    What replaces an object begins free of it; what alters one begins as the edit itself.
    """
    first = 0 if seed is None else _TURNS * (seed + 1)
    holds = _HOLDS if replaces else _HOLDS[::-1]
    rounds, left = divmod(count, len(holds))
    return [
        Candidate(hold, seed=first + turn or None, room=_WIDER if turn else 1.0)
        for turn in range(rounds + 1)
        for hold in (holds if turn < rounds else holds[:left])
    ]


def best(asked: Tensor, before: Tensor, spills: Sequence[float], handicaps: Sequence[float]) -> int:
    """Which version is kept: a likely one that fits. To cover as much again as the old object is as bad as double loss.

    What shows nothing in particular is likely by any prompt; what shows the new words is not by the old one.

    Args:
        asked, before: (noise levels, n), how badly the model denoises each by the new prompt and by the old one
            (:func:`vp2p.method.likelihood.denoising_loss`).
        spills: each look's ``spill``.
        handicaps: how many times as badly each's loss counts; see :meth:`Candidate.handicap`.
    """
    losses = asked * asked / before
    compared = (losses / losses.mean(1, keepdim=True)).mean(0).tolist()
    told = well_told(asked, before)
    shows = (told >= _LITTLE * told.max()).tolist()
    costs = [loss * handicap + spill for loss, spill, handicap in zip(compared, spills, handicaps)]
    return min(range(len(costs)), key=lambda at: (not shows[at], costs[at]))


def well_told(asked: Tensor, before: Tensor) -> Tensor:
    """(n,): the logarithm of how many times more unlikely each version is by the old prompt; see :func:`best`."""
    return (before / asked).log().mean(0)
