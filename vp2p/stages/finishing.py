"""What an edit's pictures become: one look for all frames, and the clip's own pixels around it."""

from __future__ import annotations

import dataclasses
from typing import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from vp2p.compositing.background import on_new_background, surrounds
from vp2p.compositing.composite import Composite, unchanged
from vp2p.compositing.foreground import Foreground, find_foreground, in_place
from vp2p.compositing.propagate import paste, propagate
from vp2p.compositing.track import ObjectTrack, dilated, track_object
from vp2p.method.editing import Edited, Target
from vp2p.method.editing import edit as edit_latents
from vp2p.method.likelihood import denoising_loss
from vp2p.models.codec import decode_latents
from vp2p.pipeline.candidates import Candidate, best, candidates
from vp2p.prompts.plan import plan_edit
from vp2p.stages.branches import Branches
from vp2p.stages.result import Progress
from vp2p.stages.session import Session

_AROUND = 12  # a try may reach beyond the old object by this part of the longer side


def finish(
    session: Session,
    target: Target,
    branches: Branches,
    edited: Edited,
    clip: np.ndarray,
    below: Composite,
    source: np.ndarray,
    own: np.ndarray,
    given: Tensor | None,
    progress: Progress,
) -> Composite:
    """An outlined edit, laid over the layers below it.

    Args:
        edited: after the last step; its one target, ``target``, has a mask.
        clip, source, own: uint8 (F, H, W, 3), the clip, and the source branch and the edit as the VAE returns them.
        given: (F, H, W), the mask that was given, 0 or 1, in place of the words' outline.
    """
    settings, mask, after = target.settings, edited.masks[0].float().cpu(), planes(own)
    if not bool(mask.any()):
        return below if settings.composite.paste else unchanged(after)
    before = below.frames
    coarse_mask = interpolate((mask if given is None else given).float()[:, None], size=before.shape[-2:])[:, 0]
    if surrounds(coarse_mask):
        if not settings.composite.paste:
            return unchanged(after)
        made = dataclasses.replace(
            below, frames=on_new_background(planes(clip), below, coarse_mask, after, given is not None)
        )
    else:
        track = track_object(before, planes(source), coarse_mask)
        foreground = None
        if settings.composite.propagate and len(clip) > 1:
            search = CandidateSearch(session, target, branches, track, progress)
            foreground = search.foreground(after, edited.targets[0])
        if foreground is None and not settings.composite.paste:
            return unchanged(after)
        replaces = target.plan.replaces
        made = paste(track, after, replaces) if foreground is None else propagate(track, foreground, after, replaces)
        made = made.over(below)
    if given is not None:  # it is kept to the pixel
        made = dataclasses.replace(made, frames=made.frames.where(coarse_mask[:, None] > 0.5, before))
    return made


class CandidateSearch:
    """Finds the look that an edit's frames are given."""

    def __init__(
        self,
        session: Session,
        target: Target,
        branches: Branches,
        track: ObjectTrack,
        progress: Progress,
    ) -> None:
        self._session, self._branches = session, branches
        self._plan, self._settings, self._cond = target.plan, target.settings, target.cond
        self._track, self._replaces, self._progress = track, target.plan.replaces, progress

    def foreground(self, edited: Tensor, latents: Tensor) -> Foreground | None:
        """The look of the likeliest try, or frame; None where no frame shows all of the object, or nothing is new.

        Args:
            edited, latents: the edit's own frames (F, 3, H, W) and their latents.
        """
        frames = self._track.key_frames()
        if not frames or self._removes:
            return None
        if self._plan.kind == "reweight":  # a word that weighs more makes no picture likelier
            return self._found(frames[0], edited[frames[0]], self._track.coarse_mask[frames[0]])
        if self._settings.composite.candidates:
            return self._tried(frames[0])
        foregrounds = [self._found(frame, edited[frame], self._track.coarse_mask[frame]) for frame in frames]
        return self._likeliest(foregrounds, latents[frames], [False] * len(foregrounds))

    @property
    def _removes(self) -> bool:
        """Whether words are only taken away: what is bared is ground, and does not move with the object."""
        return self._plan.kind != "reweight" and not self._plan.changed_words

    def _tried(self, frame: int) -> Foreground:
        """The best of the tries at one frame."""
        branches, device = self._branches.of_frame(frame), self._session.model.device
        around = self._around(frame)
        cells = adaptive_max_pool2d(around.float()[None], tuple(branches.x.shape[-2:])).to(device)
        tries = candidates(self._settings.composite.candidates, self._replaces)
        out = edit_latents(
            self._session.t2s,
            branches.schedule,
            branches.x,
            branches.cond,
            branches.empty,
            branches.source,
            [self._target(branches, attempt, cells) for attempt in tries],
            lambda state: self._progress("tries", state.step, branches.schedule.steps),
            branches.start,
        )
        pictures = planes(decode_latents(self._session.model, out.targets[:, 0]))
        mask = interpolate(cells[None], size=around.shape)[0, 0].cpu()
        foregrounds = [self._found(frame, picture, mask) for picture in pictures]
        return self._likeliest(foregrounds, out.targets[:, 0], [attempt.seed is not None for attempt in tries])

    def _around(self, frame: int) -> Tensor:
        """Where a try may act: bool (H, W)."""
        track = self._track
        if self._settings.blend.mask:
            return track.coarse_mask[frame] > 0.5
        if not self._replaces:
            return track.objects[frame]
        reach = max(track.clip.shape[-2:]) // _AROUND
        return dilated(track.objects[[frame]], reach)[0]

    def _target(self, branches: Branches, attempt: Candidate, mask: Tensor) -> Target:
        settings = attempt.settings(self._settings)
        tokenizer = self._session.tokenizer
        words = plan_edit(
            tokenizer, self._plan.source.prompt, settings, branches.schedule.steps, tokenizer.model_max_length
        )
        start = attempt.start(branches.x, mask)
        return Target(words, settings, branches.guidance, self._cond, branches.uncond, mask, start)

    def _found(self, frame: int, picture: Tensor, mask: Tensor) -> Foreground:
        foreground = find_foreground(self._track, frame, picture, mask, self._replaces)
        moves = self._settings.composite.in_place and self._replaces and not self._settings.blend.mask
        return in_place(foreground, self._track) if moves else foreground

    def _likeliest(self, foregrounds: Sequence[Foreground], latents: Tensor, drawn: Sequence[bool]) -> Foreground:
        """The best of looks, made of latents (n, c, h, w), of which some were ``drawn`` from other noise."""
        size = tuple(latents.shape[-2:])
        weights = torch.stack(
            [adaptive_max_pool2d(foreground.shape.float()[None], size)[0] for foreground in foregrounds]
        )
        losses = denoising_loss(
            self._session.t2s, self._session.model.scheduler, latents, self._cond, weights.to(latents.device)
        )
        return foregrounds[best(losses.tolist(), [foreground.spill for foreground in foregrounds], drawn)]


def planes(frames: np.ndarray) -> Tensor:
    """uint8 (F, H, W, 3) as float32 (F, 3, H, W)."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()


def rounded(planes: Tensor) -> np.ndarray:
    """(F, 3, H, W) in 0…255 as uint8 (F, H, W, 3)."""
    return planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
