"""The work of ``vp2p edit``: both branches denoised side by side, and what is kept of them (Algorithm 1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from vp2p.compositing.composite import unchanged
from vp2p.method.editing import Edited
from vp2p.models.codec import decode_latents
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings, InvertSettings
from vp2p.stages.branches import load_branches
from vp2p.stages.finishing import finish, planes, rounded
from vp2p.stages.layers import edit_in_layers
from vp2p.stages.result import Progress
from vp2p.stages.session import Session
from vp2p.stages.source import Frames
from vp2p.video.sheet import contact_sheet
from vp2p.video.writing import VideoFormat, write_video
from vp2p.workspace import RunFolder, load_tensors, save_tensors


@dataclass(frozen=True)
class Made:
    """An edit: the last latents, and the frames of both branches, uint8 (F, H, W, 3).

    An edit made in layers has a target for each.
    """

    latents: Edited
    source: np.ndarray
    frames: np.ndarray


def compute_edit(
    session: Session,
    settings: EditSettings,
    inversion: InvertSettings,
    inverted: RunFolder,
    plan: EditPlan,
    frames: Frames,
    mask: Tensor | None,
    progress: Progress,
) -> Made:
    """Edits the inverted clip ``frames``. ``mask`` is (F, H, W), 1 where the edit may act, for the words' outline."""
    model = session.model
    branches = load_branches(session, settings, inversion, inverted, plan.source.prompt)
    given = None
    if mask is not None:
        given = (adaptive_avg_pool2d(mask[:, None], branches.x.shape[-2:])[:, 0] >= 0.5).float().to(model.device)
    layers = edit_in_layers(session, settings, branches, plan, given, progress)
    source, latents = decode_latents(model, layers[0].edited.source), _together([edited for _, edited in layers])
    if any(one is None for one in latents.masks) or not (settings.composite.paste or settings.composite.propagate):
        return Made(latents, source, decode_latents(model, latents.targets[0]))
    made = unchanged(planes(frames.pixels))
    for target, edited in layers:
        own = decode_latents(model, edited.targets[0])
        made = finish(session, target, branches, edited, frames.pixels, made, source, own, mask, progress)
    return Made(latents, source, rounded(made.frames))


def _together(layers: Sequence[Edited]) -> Edited:
    targets, masks = torch.cat([one.targets for one in layers]), [mask for one in layers for mask in one.masks]
    return Edited(layers[0].step, layers[0].source, targets, tuple(masks))


def kept_frames(session: Session, run: RunFolder) -> tuple[np.ndarray, np.ndarray]:
    """The frames of both branches of a finished edit, uint8 (F, H, W, 3), as they were before any video coding.

    Raises:
        ArtifactError: they are missing or damaged.
    """
    latents = load_tensors(run.path("latents.safetensors"), run.rebuild)
    edited = load_tensors(run.path("edited.safetensors"), run.rebuild)["frames"]
    return decode_latents(session.model, latents["source"]), edited.numpy()


def keep_edit(
    session: Session,
    run: RunFolder,
    made: Made,
    frames: Frames,
    plan: EditPlan,
    path: Path,
    format: VideoFormat,
) -> tuple[str, ...]:
    """Writes what an edit leaves; returns notes for the user."""
    video = session.workspace.video
    audio = video if video.is_file() else None
    masks = [mask.float() for mask in made.latents.masks if mask is not None]
    targets = made.latents.targets
    names = ["target"] if len(targets) == 1 else [f"target_{number}" for number in range(1, len(targets) + 1)]
    save_tensors(run.path("latents.safetensors"), {"source": made.latents.source, **dict(zip(names, targets))})
    save_tensors(run.path("edited.safetensors"), {"frames": torch.from_numpy(made.frames)})
    if masks:
        save_tensors(run.path("mask.safetensors"), {"mask": torch.stack(masks).amax(0)})
    write_video(run.path("source.mp4"), made.source, frames.timing, audio)
    notes = write_video(path, made.frames, frames.timing, audio, format)
    contact_sheet([(plan.source.prompt, made.source), (plan.target.prompt, made.frames)], run.path("sheet.png"))
    return notes
