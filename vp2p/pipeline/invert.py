"""From a clip to an inversion (Video-P2P, section 3.2)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import Tensor

from vp2p.method.inversion.methods import METHODS
from vp2p.method.inversion.protocol import NOTHING, InversionStep, InversionTask, Kept, OnInversionStep
from vp2p.pipeline.described import Described
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.memory import Work
from vp2p.settings import OPTIMISING, InvertSettings
from vp2p.t2s.inflation import TextToSetModel
from vp2p.t2s.windows import WindowLog

_WINDOWS = "windows"  # of a step that is under way, in the state of the step before


def invert(
    model: InflatedModel,
    described: Described,
    settings: InvertSettings,
    on_step: OnInversionStep,
    kept: Kept = NOTHING,
) -> Inversion:
    """Inverts a clip that the model can take (:meth:`vp2p.pipeline.inflated.InflatedModel.fitted`).

    Args:
        on_step: called after each step, and after each window of a long clip; what it raises ends the inversion.
        kept: the ``state`` of a step to resume from; its room is for clips that pass in windows.

    Raises:
        Vp2pError: see :func:`vp2p.pipeline.fit.fit`.
    """
    clip, prompt = described.clip, described.prompt
    fit(model, Work.of("null-text inversion" if settings.method in OPTIMISING else "inversion", clip.pixels))
    schedule, cond, uncond = model.schedule(settings.steps), model.embed(prompt), model.embed("")
    t2s, room = model.held_to(clip), kept.room if len(clip.pixels) > model.t2s.window_frames else None
    # Null-text optimisation starts from the encoded empty prompt, also where guidance reads zeros in its place: rows
    # that are the same would get the same gradient, and stay one row.
    task = InversionTask(t2s, schedule, settings, clip.pixels, model.encode, cond, uncond, room)
    state = {name: tensor.to(model.device) for name, tensor in kept.found.items()}
    with _windows_told(t2s, state.pop(_WINDOWS, None), on_step) as told:
        return Inversion(clip, prompt, settings, METHODS[settings.method].invert(task, state, told))


@contextmanager
def _windows_told(t2s: TextToSetModel, found: Tensor | None, on_step: OnInversionStep) -> Iterator[OnInversionStep]:
    """What takes the place of ``on_step``, and tells of each window of a step on the way to noise, too."""
    last: list[InversionStep] = []

    def told(step: InversionStep) -> None:
        last[:] = [step] if step.phase == "invert" and step.done < step.total else []
        on_step(step)

    def on_window(done: list[Tensor]) -> None:
        for step in last:
            state = {**step.state, _WINDOWS: torch.stack(done)}
            on_step(step._replace(state=state, metric=f"window {len(done)}", log=None))

    t2s.window_log = WindowLog(on_window, None if found is None else iter(found))
    try:
        yield told
    finally:
        t2s.window_log = None
