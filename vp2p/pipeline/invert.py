"""From a clip to an inversion (Video-P2P, section 3.2)."""

from __future__ import annotations

from typing import Mapping

from torch import Tensor

from vp2p.method.inversion.methods import METHODS
from vp2p.method.inversion.protocol import InversionTask, OnInversionStep, Room
from vp2p.pipeline.described import Described
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.memory import Work
from vp2p.settings import OPTIMISING, InvertSettings


def invert(
    model: InflatedModel,
    described: Described,
    settings: InvertSettings,
    on_step: OnInversionStep,
    found: Mapping[str, Tensor] | None = None,
    room: Room | None = None,
) -> Inversion:
    """Inverts a clip that the model can take (:meth:`vp2p.pipeline.inflated.InflatedModel.fitted`).

    Args:
        on_step: called after each step; what it raises ends the inversion.
        found: the ``state`` of a step to resume from.
        room: where the trajectory of a clip that passes in windows is kept.

    Raises:
        Vp2pError: see :func:`vp2p.pipeline.fit.fit`.
    """
    clip, prompt = described.clip, described.prompt
    fit(model, Work.of("null-text inversion" if settings.method in OPTIMISING else "inversion", clip.pixels))
    schedule, cond, uncond = model.schedule(settings.steps), model.embed(prompt), model.embed("")
    long = len(clip.pixels) > model.t2s.window_frames
    task = InversionTask(model.t2s, schedule, settings, clip.pixels, model.encode, cond, uncond, room if long else None)
    state = {name: tensor.to(model.device) for name, tensor in (found or {}).items()}
    return Inversion(clip, prompt, settings, METHODS[settings.method].invert(task, state, on_step))
