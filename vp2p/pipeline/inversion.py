"""An inverted clip: all that its edits branch from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from vp2p.method.branches import Branches, SourceBranch
from vp2p.method.inversion.methods import METHODS
from vp2p.method.inversion.protocol import Inverted
from vp2p.pipeline.inflated import InflatedModel
from vp2p.settings import EditSettings, InvertSettings

if TYPE_CHECKING:
    from vp2p.video.clip import Clip


@dataclass(frozen=True)
class Inversion:
    """A clip, the prompt that describes it, and its way to noise by the method of ``settings``."""

    clip: Clip
    prompt: str
    settings: InvertSettings
    inverted: Inverted

    def branches(self, model: InflatedModel, settings: EditSettings) -> tuple[Branches, Tensor]:
        """Where the branches of an edit start, and the unconditional embeddings of its targets.

        The embeddings are as in :class:`vp2p.method.branches.Target`.
        """
        method = METHODS[self.settings.method]
        schedule, empty = model.schedule(self.settings.steps), model.unconditional()
        source, unconditional = method.source(self.inverted, self.settings), empty
        optimised = method.unconditional(self.inverted)
        if optimised is not None and settings.control.guide == "empty":
            source = SourceBranch(guidance=self.settings.guidance)
        elif optimised is not None and settings.control.guide == "optimised":
            unconditional = optimised.to(model.device)
        if settings.control.negative_prompt:
            unconditional = model.unconditional(settings.control.negative_prompt)
        # That of a long clip stays where it is, on the disk: each step takes its own part.
        if source.recorded is not None and len(self.clip.pixels) <= model.t2s.window_frames:
            source = SourceBranch(recorded=source.recorded.to(model.device))
        start = settings.control.taken(schedule.steps)
        path = self.inverted.trajectory if source.recorded is None else source.recorded
        branches = Branches(schedule, start, path[start].to(model.device), source, model.embed(self.prompt), empty)
        return branches, unconditional
