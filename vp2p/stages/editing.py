"""The work of ``vp2p edit``: both branches denoised side by side, and what is kept of them (Algorithm 1)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from torch import Tensor

from vp2p.method.carry import Carry
from vp2p.method.editing import Edited, SourceBranch, Target
from vp2p.method.editing import edit as edit_latents
from vp2p.method.likelihood import denoising_loss
from vp2p.method.paste import paste, planes
from vp2p.method.plan import EditPlan
from vp2p.method.schedule import Schedule
from vp2p.models.codec import decode_latents, encode_frames
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
    frames: Frames,
    mask: Tensor | None,
    progress: Progress,
) -> Edited:
    """Edits the inverted clip ``frames``. ``mask`` is (F, h, w), 1 where the edit may act, for the words' outline."""
    device = session.model.device
    inverted.verify()
    trajectory = load_tensors(inverted.path("trajectory.safetensors"), inverted.rebuild)["trajectory"].to(device)
    empty = session.embed("")
    source, uncond = _source_branch(session, settings, inversion, inverted, trajectory, empty)
    target = _target(session, settings, inversion, plan, uncond)
    if mask is not None:
        target = dataclasses.replace(target, mask=mask.to(device))
    if settings.carry:
        target = dataclasses.replace(target, carry=_carry(session, settings, frames, target.cond))
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


def _carry(session: Session, settings: EditSettings, frames: Frames, cond: Tensor) -> Carry:
    model = session.model

    def decode(latents: Tensor) -> Tensor:
        return planes(decode_latents(model, latents)).to(model.device)

    def encode(pictures: Tensor) -> Tensor:
        return encode_frames(model, pictures.round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy())

    def loss(latents: Tensor, mask: Tensor) -> Tensor:
        return denoising_loss(session.t2s, model.scheduler, latents, cond, mask)

    return Carry(settings.carry, planes(frames.pixels).to(model.device), decode, encode, loss)


def render(
    session: Session, settings: EditSettings, pixels: np.ndarray, source: Tensor, target: Tensor, outlined: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The frames of both branches, uint8 (F, H, W, 3), of their latents (F, c, h, w).

    Args:
        pixels: the clip, (F, H, W, 3).
        outlined: whether the edit had a mask.
    """
    before, after = decode_latents(session.model, source), decode_latents(session.model, target)
    return before, paste(pixels, before, after) if settings.paste and outlined else after


def keep_edit(
    session: Session,
    run: RunFolder,
    settings: EditSettings,
    edited: Edited,
    frames: Frames,
    plan: EditPlan,
    path: Path,
    format: VideoFormat,
) -> tuple[str, ...]:
    """Writes what an edit leaves; returns notes for the user."""
    video = session.workspace.video
    audio = video if video.is_file() else None
    span = (frames.start, frames.end)
    source, target, mask = edited.source, edited.targets[0], edited.masks[0]
    before, after = render(session, settings, frames.pixels, source, target, mask is not None)
    save_tensors(run.path("latents.safetensors"), {"source": source, "target": target})
    if mask is not None:
        save_tensors(run.path("mask.safetensors"), {"mask": mask.float()})
    write_video(run.path("source.mp4"), before, frames.rate, audio, span)
    notes = write_video(path, after, frames.rate, audio, span, format)
    contact_sheet([(plan.source.prompt, before), (plan.target.prompt, after)], run.path("sheet.png"))
    return notes
