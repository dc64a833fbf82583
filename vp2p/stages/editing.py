"""The work of ``vp2p edit``: both branches denoised side by side, and what is kept of them (Algorithm 1)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from torch import Tensor

from vp2p.method.editing import Edited, SourceBranch, Target
from vp2p.method.editing import edit as edit_latents
from vp2p.method.plan import EditPlan
from vp2p.method.schedule import Schedule
from vp2p.models.codec import decode_latents
from vp2p.settings import EditSettings, InvertSettings
from vp2p.stages.result import Progress
from vp2p.stages.session import Session
from vp2p.stages.source import Frames
from vp2p.video.sheet import contact_sheet
from vp2p.video.writing import VideoFormat, write_video
from vp2p.workspace import RunFolder, load_tensors, save_tensors


def compute_edit(
    session: Session,
    settings: EditSettings,
    inversion: InvertSettings,
    inverted: RunFolder,
    plan: EditPlan,
    mask: Tensor | None,
    progress: Progress,
) -> Edited:
    """Edits the inverted clip. ``mask`` is (F, h, w), 1 where the edit may act, in place of the words' outline."""
    device = session.model.device
    inverted.verify()
    trajectory = load_tensors(inverted.path("trajectory.safetensors"), inverted.rebuild)["trajectory"].to(device)
    empty = session.embed("")
    source, uncond = _source_branch(session, settings, inversion, inverted, trajectory, empty)
    target = _target(session, settings, inversion, plan, uncond)
    if mask is not None:
        target = dataclasses.replace(target, mask=mask.to(device))
    schedule = Schedule.of(session.model.scheduler, inversion.steps)
    start = max(1, round(settings.strength * schedule.steps))
    cond = session.embed(plan.source.prompt)
    return edit_latents(
        session.t2s,
        schedule,
        (trajectory if source.recorded is None else source.recorded)[start],
        cond,
        empty,
        source,
        [target],
        lambda state: progress("edit", state.step, schedule.steps),
        start,
    )


def _source_branch(
    session: Session,
    settings: EditSettings,
    inversion: InvertSettings,
    inverted: RunFolder,
    trajectory: Tensor,
    empty: Tensor,
) -> tuple[SourceBranch, Tensor]:
    """How the source walks back, and the target's unconditional embeddings."""
    if inversion.method in ("direct", "noise"):
        return SourceBranch(recorded=trajectory), empty
    if inversion.method == "ddim":
        return SourceBranch(), empty
    if settings.guide == "empty":
        return SourceBranch(guidance=inversion.guidance), empty
    kept = load_tensors(inverted.path("null.safetensors"), inverted.rebuild)
    kept = {name: tensor.to(session.model.device) for name, tensor in kept.items()}
    uncond = kept["embeddings"] if settings.guide == "optimised" else empty
    return SourceBranch(recorded=kept["source"]), uncond


def _target(
    session: Session, settings: EditSettings, inversion: InvertSettings, plan: EditPlan, uncond: Tensor
) -> Target:
    guidance = inversion.guidance if settings.guidance is None else settings.guidance
    return Target(plan, settings, guidance, session.embed(plan.target.prompt), uncond)


def keep_edit(
    session: Session, run: RunFolder, edited: Edited, frames: Frames, plan: EditPlan, path: Path, format: VideoFormat
) -> tuple[str, ...]:
    """Writes what an edit leaves; returns notes for the user."""
    video = session.workspace.video
    audio = video if video.is_file() else None
    span = (frames.start, frames.end)
    before, after = decode_latents(session.model, edited.source), decode_latents(session.model, edited.targets[0])
    save_tensors(run.path("latents.safetensors"), {"source": edited.source, "target": edited.targets[0]})
    if edited.masks[0] is not None:
        save_tensors(run.path("mask.safetensors"), {"mask": edited.masks[0].float()})
    write_video(run.path("source.mp4"), before, frames.rate, audio, span)
    notes = write_video(path, after, frames.rate, audio, span, format)
    contact_sheet([(plan.source.prompt, before), (plan.target.prompt, after)], run.path("sheet.png"))
    return notes
