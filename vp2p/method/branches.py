"""The branches of an edit: the source, which returns to the clip, and its targets (Video-P2P, Algorithm 1)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from torch import Tensor

from vp2p.method.schedule import Schedule
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings


@dataclass(frozen=True)
class SourceBranch:
    """How the source walks from noise back to the clip.

    Exactly one of: ``recorded`` (T+1, F, c, h, w) by trajectory index, the latents it is known to
    pass (null-text, direct, noise), on any device; ``guidance`` with the empty prompt; or neither, unguided (ddim).
    """

    recorded: Tensor | None = None
    guidance: float | None = None


@dataclass(frozen=True)
class Branches:
    """All that the targets of one edit share, on the model's device.

    ``x`` (F, c, h, w) is where the branches start, at trajectory index ``start`` of 1…T. ``cond`` and
    ``empty`` (1, L, width) embed the source prompt and the empty prompt.
    """

    schedule: Schedule
    start: int
    x: Tensor
    source: SourceBranch
    cond: Tensor
    empty: Tensor

    @classmethod
    def of(cls, schedule: Schedule, x_T: Tensor, source: SourceBranch, cond: Tensor, empty: Tensor) -> Branches:
        """Branches that start at the noise ``x_T`` (F, c, h, w) and take all T steps."""
        return cls(schedule, schedule.steps, x_T, source, cond, empty)

    def of_frames(self, frames: list[int]) -> Branches:
        """The same of some frames alone."""
        recorded = self.source.recorded
        source = self.source if recorded is None else dataclasses.replace(self.source, recorded=recorded[:, frames])
        return dataclasses.replace(self, x=self.x[frames], source=source)


@dataclass(frozen=True)
class Target:
    """One edit of the clip.

    ``cond`` is (1, L, width). ``uncond`` is (T, L, width), (T, F, L, width) with one for each
    frame, or (1, L, width) where one serves every step. ``mask`` (F, h, w) takes the place of the
    mask that attention would outline. ``start`` (F, c, h, w) takes the place of the latents that the
    source starts from. Of a ``watched`` one attention is collected though it has a mask.
    """

    plan: EditPlan
    settings: EditSettings
    guidance: float
    cond: Tensor
    uncond: Tensor
    mask: Tensor | None = None
    start: Tensor | None = None
    watched: bool = False
