"""What an inversion leaves for its edits: where the branches start, how the source walks, what is unconditional."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from torch import Tensor

from vp2p.method.editing import SourceBranch
from vp2p.method.schedule import Schedule
from vp2p.settings import EditSettings, InvertSettings
from vp2p.stages.session import Session
from vp2p.workspace import RunFolder, load_tensors


@dataclass(frozen=True)
class Branches:
    """All that the edits of an inversion share, on the model's device.

    ``x`` (F, c, h, w) is where they start, at trajectory index ``start``; ``cond`` and ``empty``
    (1, L, width) embed the source prompt and the empty one; ``uncond`` is the targets', see
    :class:`vp2p.method.editing.Target`.
    """

    schedule: Schedule
    start: int
    x: Tensor
    source: SourceBranch
    cond: Tensor
    empty: Tensor
    uncond: Tensor
    guidance: float

    def of_frame(self, frame: int) -> Branches:
        """The same of one frame alone."""
        recorded = self.source.recorded
        source = self.source if recorded is None else dataclasses.replace(self.source, recorded=recorded[:, [frame]])
        uncond = self.uncond[:, [frame]] if self.uncond.ndim == 4 else self.uncond
        return dataclasses.replace(self, x=self.x[[frame]], source=source, uncond=uncond)


def load_branches(
    session: Session, settings: EditSettings, inversion: InvertSettings, inverted: RunFolder, prompt: str
) -> Branches:
    """Reads an inversion of ``prompt`` for an edit.

    Raises:
        ArtifactError: it is damaged.
    """
    device = session.model.device
    inverted.verify()
    trajectory = load_tensors(inverted.path("trajectory.safetensors"), inverted.rebuild)["trajectory"].to(device)
    schedule = Schedule.of(session.model.scheduler, inversion.steps)
    empty = session.embed("")
    source, uncond = SourceBranch(), empty
    if inversion.method in ("direct", "noise"):
        source = SourceBranch(recorded=trajectory)
    elif inversion.method == "null-text" and settings.control.guide == "empty":
        source = SourceBranch(guidance=inversion.guidance)
    elif inversion.method == "null-text":
        kept = load_tensors(inverted.path("null.safetensors"), inverted.rebuild)
        source = SourceBranch(recorded=kept["source"].to(device))
        uncond = kept["embeddings"].to(device) if settings.control.guide == "optimised" else empty
    start = max(1, round(settings.control.strength * schedule.steps))
    x = (trajectory if source.recorded is None else source.recorded)[start]
    guidance = inversion.guidance if settings.control.guidance is None else settings.control.guidance
    return Branches(schedule, start, x, source, session.embed(prompt), empty, uncond, guidance)
