"""The whole edit on one page: words, Algorithm 1, and the compositing, in the order in which data flows.

Several edits of one inversion go through it side by side: at each ``yield`` they share a pass of the model.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.background import on_new_background
from vp2p.compositing.composite import Composite, unchanged
from vp2p.compositing.followed import FollowedMotion, hard_frames, key_frames
from vp2p.compositing.foreground import Foreground
from vp2p.compositing.motion.dense import DenseModel
from vp2p.compositing.pixels import planes, rounded
from vp2p.compositing.propagate import paste, propagate
from vp2p.compositing.track import track_background
from vp2p.method.editing import Edited
from vp2p.pipeline.fit import fit
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.job import EditJob, source_key
from vp2p.pipeline.journal import Journal
from vp2p.pipeline.layers import Layer, edit_in_layers
from vp2p.pipeline.long import LayOver, LongComposite
from vp2p.pipeline.memory import Work
from vp2p.pipeline.rendering import render_again
from vp2p.pipeline.search import CandidateSearch, priors
from vp2p.pipeline.together import MOST, Asking, together
from vp2p.pipeline.tracks import Shown, Tracks
from vp2p.progress import Progress, silent
from vp2p.prompts.plan import EditPlan
from vp2p.schema import from_mapping
from vp2p.settings import ClipSettings, EditSettings
from vp2p.video.clip import Clip
from vp2p.video.sheet import contact_sheet
from vp2p.video.writing import write_video

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Edit:
    """An edited clip.

    ``frames`` is uint8 RGB (F, H, W, 3), and so is ``source``, the source branch as the VAE decodes it. ``latents``
    are those of both branches after the last step; an edit made in layers has a target for each. ``notes`` say
    what a user should know, such as that nothing changed. ``motions`` holds one for each object that was followed, the
    lowest layer's first.
    """

    clip: Clip
    plan: EditPlan
    latents: Edited
    source: np.ndarray
    frames: np.ndarray
    notes: tuple[str, ...] = ()
    motions: tuple[FollowedMotion, ...] = ()

    @property
    def key_frames(self) -> tuple[int, ...]:
        """The frames that all others are made of, counted from 0; none where each frame is its own."""
        return key_frames(self.motions)

    @property
    def hard_frames(self) -> tuple[int, ...]:
        """The frames that could not well be followed from the key frames, counted from 0."""
        return hard_frames(self.motions)

    @property
    def mask(self) -> np.ndarray | None:
        """Where the edit could act, (F, h, w) in 0…1 at the latents' size; None where it could act everywhere."""
        masks = [mask.float() for mask in self.latents.masks if mask is not None]
        return torch.stack(masks).amax(0).cpu().numpy() if masks else None

    def save(self, path: Path | str) -> tuple[str, ...]:
        """Writes the edited clip: .mp4 with the clip's sound, .gif, .webp, or a folder of PNG. Returns notes.

        Raises:
            UsageError, VideoError: see :func:`vp2p.video.writing.write_video`.
        """
        return write_video(Path(path), self.frames, self.clip.timing, self.clip.sound)

    def save_full(self, path: Path | str, video: Path | str, on_step: Progress = silent, **options: Any) -> Notes:
        """Writes the edit as an MP4 at the size and rate of the video that its clip was read from. Returns notes.

        Args:
            options: those with which the clip was read, as for :func:`vp2p.read_clip`, such as ``frames=8``.

        Raises:
            UsageError: the video and these options give other frames; the edit has no object.
            VideoError: the video cannot be read, or ``path`` cannot be written.
        """
        from vp2p.pipeline.full import SampledEdit, save_full

        settings = from_mapping(ClipSettings, options)
        sampled = SampledEdit(self.clip.pixels, self.frames, self.mask, settings.fit, not self.plan.replaces)
        return save_full(Path(path), sampled, (Path(video), settings), on_step)

    def save_sheet(self, path: Path | str) -> None:
        """Writes a PNG with the frames of the source branch above those of the edit."""
        rows = [(self.plan.source.prompt, self.source), (self.plan.target.prompt, self.frames)]
        contact_sheet(rows, Path(path))


class Asked(NamedTuple):
    """An edit that is asked for.

    ``user_mask`` (F, H, W) is 1 where it may act, else 0, in place of the mask that attention outlines.
    """

    settings: EditSettings
    user_mask: Tensor | None = None


def edit_all(
    model: InflatedModel,
    inversion: Inversion,
    asked: Sequence[Asked],
    on_step: Progress = silent,
    journal: Journal | None = None,
) -> Iterator[tuple[int, Edit]]:
    """Edits an inverted clip in several ways, or in one; as many as memory allows share the passes of the source.

    Args:
        on_step: called after each step; what it raises ends the edits.
        journal: keeps the passes of a clip that passes in windows, and knows those that were made before.

    Yields:
        The place of each edit among those asked for, and the edit, as soon as it is made.

    Raises:
        PromptError: see :func:`vp2p.prompts.plan.plan_words`.
        Vp2pError: see :func:`vp2p.pipeline.fit.fit`.
    """
    fit(model, Work.of("editing", inversion.clip.pixels))
    alike: dict[tuple[str, float, float], list[int]] = {}
    for place, one in enumerate(asked):
        alike.setdefault(source_key(one.settings), []).append(place)
    if len(inversion.clip.pixels) <= model.t2s.window_frames or model.t2s.ranks is not None:
        journal = None
    most = min(MOST, model.most_targets)
    parts = (places[first : first + most] for places in alike.values() for first in range(0, len(places), most))
    for chosen in parts:
        # Edits that share a pass have one source, and often one object.
        decoded, lay_over = functools.cache(model.decode), functools.partial(_laid_over, tracks=Tracks())
        jobs = [(EditJob.of(model, inversion, *asked[place]), asked[place].settings) for place in chosen]
        works = [_edit(job, settings, decoded, lay_over) for job, settings in jobs]
        yield from ((chosen[place], edit) for place, edit in together(works, on_step, journal))


def _edit(
    job: EditJob, settings: EditSettings, decoded: Callable[[Tensor], np.ndarray], lay_over: LayOver
) -> Asking[Edit]:
    model, clip, plan = job.model, job.inversion.clip, job.plan(settings)
    layers = yield from edit_in_layers(job, plan, settings)  # Algorithm 1, once for each thing that changes
    latents = _together(layers)
    source = decoded(latents.source)
    if any(mask is None for mask in latents.masks) or not (settings.composite.paste or settings.composite.propagate):
        return Edit(clip, plan, latents, source, model.decode(latents.targets[0]))
    if len(clip.pixels) > model.t2s.window_frames:
        long = LongComposite(job, source, lay_over)
        yield from long.add(layers)
        return Edit(clip, plan, latents, source, long.frames)
    composite = unchanged(planes(clip.pixels))
    for layer in layers:
        composite = yield from lay_over(job, layer, composite, planes(source))
    frames = composite.frames
    if settings.composite.render:
        frames = yield from render_again(job, plan, settings, composite)
    return Edit(clip, plan, latents, source, rounded(frames), motions=composite.motions)


def _laid_over(job: EditJob, layer: Layer, underneath: Composite, source: Tensor, tracks: Tracks) -> Asking[Composite]:
    """One layer of an edit over the layers underneath; ``source`` (F, 3, H, W) is the clip as the VAE decodes it."""
    target, settings, clip = layer.target, layer.target.settings.composite, underneath.frames
    edited = planes(job.model.decode(layer.edited.targets[0]))
    mask = layer.edited.masks[0]
    if mask is None or not bool(mask.any()):
        return underneath if settings.paste else unchanged(edited)
    coarse_mask = interpolate(
        (mask.cpu() if job.user_mask is None else job.user_mask).float()[:, None], size=clip.shape[-2:]
    )[:, 0]
    if layer.ground:
        if not settings.paste:
            return unchanged(edited)
        background = track_background(planes(job.inversion.clip.pixels), coarse_mask, job.user_mask is not None)
        frames = on_new_background(background, underneath, edited)
        composite = dataclasses.replace(underneath, frames=frames)
    else:
        source_prior, target_prior = priors(layer.edited.attention[0], clip)
        motion = DenseModel([planes(each) for each in job.inversion.clip.between])
        track = tracks.of(Shown(clip, source, coarse_mask, source_prior), motion)
        foregrounds: list[Foreground] = []
        if settings.propagate and len(clip) > 1:
            search = CandidateSearch(job, target, track)
            foregrounds = yield from search.foregrounds(edited, layer.edited.targets[0], target_prior)
        if not foregrounds and not settings.paste:
            return unchanged(edited)
        replaces = target.plan.replaces
        if foregrounds:
            composite = propagate(track, foregrounds, edited, replaces)
        else:
            composite = paste(track, edited, replaces)
        composite = composite.over(underneath)
    if job.user_mask is not None:  # it is kept to the pixel
        kept = composite.frames.where(coarse_mask[:, None] > 0.5, clip)
        composite = dataclasses.replace(composite, frames=kept)
    return composite


def _together(layers: Sequence[Layer]) -> Edited:
    """The latents of all layers."""
    edits = [layer.edited for layer in layers]
    targets, masks = torch.cat([one.targets for one in edits]), [mask for one in edits for mask in one.masks]
    return Edited(edits[0].step, edits[0].source, targets, tuple(masks))
