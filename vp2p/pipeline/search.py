"""The foregrounds that all frames are made of: the likeliest of several candidates of the key frames' edit."""

from __future__ import annotations

import dataclasses
import math
from typing import Callable, NamedTuple, Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, interpolate

from vp2p.compositing.foreground import Drawn, Foreground, find_foreground, in_place
from vp2p.compositing.pixels import planes
from vp2p.compositing.shapes import dilated
from vp2p.compositing.threads import side_by_side
from vp2p.compositing.track import ObjectTrack
from vp2p.method.branches import Target
from vp2p.method.likelihood import denoising_loss
from vp2p.pipeline.candidates import Candidate, best, candidates, well_told
from vp2p.pipeline.job import EditJob, Request
from vp2p.pipeline.together import Asking

_AROUND = 12  # a first candidate may reach beyond the old object by this part of the longer side
_HARDLY = 0.5  # of how well the old words tell the clip's own object: what the new ones tell less is no good version


class Version(NamedTuple):
    """One way to show an edit: the foregrounds of its key frames, and how well the new words tell it.

    ``told`` is the logarithm of how many times more unlikely it is by the old words. Good ones have ``enough`` or more.
    """

    foregrounds: list[Foreground]
    told: float
    enough: float


def good_version(tried: Callable[[int], Asking[Version]], frames: Sequence[int]) -> Asking[Version]:
    """The version of the first of some key frames; where the words hardly tell it, and the next one's better, its."""
    version = yield from tried(frames[0])
    if version.told < version.enough and len(frames) > 1:
        other = yield from tried(frames[1])
        version = max(version, other, key=lambda one: one.told)
    return version


class CandidateSearch:
    """Finds the foregrounds of one target's edit of an object that is tracked in the clip."""

    def __init__(self, job: EditJob, target: Target, track: ObjectTrack) -> None:
        self._job, self._target, self._track = job, target, track
        self._plan, self._settings, self._replaces = target.plan, target.settings.composite, target.plan.replaces

    def foregrounds(self, edited: Tensor, latents: Tensor, prior: Tensor | None) -> Asking[list[Foreground]]:
        """The foreground of each key frame, the first one's first; none where none can be found or is wanted.

        Args:
            edited, latents: the edit's own frames (F, 3, H, W) and their latents (F, c, h, w).
            prior: (F, H, W), where its objects are likely to be seen; see :class:`vp2p.compositing.matting.Known`.
        """
        frames = self._track.key_frames()
        if not frames or self._removes:
            return []
        coarse_mask = self._track.coarse_mask

        def own(frame: int) -> Foreground:
            return self._found(Drawn(frame, edited[frame], coarse_mask[frame], None if prior is None else prior[frame]))

        if self._plan.kind != "reweight" and self._settings.candidates:
            return (yield from good_version(self._tried, frames)).foregrounds
        first = own(frames[0])
        if self._plan.kind != "reweight":  # a word that weighs more makes no picture likelier
            found = [first, *map(own, frames[1:])]
            first = found[self._likeliest(found, latents[frames], [1.0] * len(found))[0]]
        return [first, *map(own, self._track.further_keys(first.frame))]

    @property
    def _removes(self) -> bool:
        """Whether words are only taken away: what is bared is background, and does not move with the object."""
        return self._plan.kind != "reweight" and not self._plan.changed_words

    def _tried(self, key: int) -> Asking[Version]:
        """The best of a key frame's candidates, each made of all key frames together, so that they show one thing."""
        frames = [key, *self._track.further_keys(key)]
        job = self._job.of_frames(frames)
        tried = candidates(self._settings.candidates, self._replaces, self._settings.seed)
        places = {room: self._cells(job, frames, room) for room in {candidate.room for candidate in tried}}

        def target(candidate: Candidate) -> Target:
            settings, cells = candidate.settings(self._target.settings), places[candidate.room].to(job.model.device)
            start = candidate.start(job.branches.x, cells)
            return dataclasses.replace(
                self._target,
                plan=job.plan(settings),
                settings=settings,
                uncond=job.unconditional,
                mask=cells,
                start=start,
                watched=self._replaces,
            )

        out = yield Request(job, [target(candidate) for candidate in tried], "candidates")
        size, free = self._track.clip.shape[-2:], ~self._kept(frames)
        masks = {room: interpolate(cells[:, None], size=size)[:, 0] * free for room, cells in places.items()}
        first = planes(job.model.decode(out.targets[:, 0]))
        likely = [priors(one, self._track.clip)[1] for one in out.attention]

        def drawn_at(place: int, picture: Tensor, candidate: int) -> Drawn:
            prior, mask = likely[candidate], masks[tried[candidate].room]
            return Drawn(frames[place], picture, mask[place], None if prior is None else prior[place])

        found = side_by_side(lambda at: self._found(drawn_at(0, first[at], at)), range(len(first)))
        handicaps = [candidate.handicap(self._replaces) for candidate in tried]
        chosen, told = self._likeliest(found, out.targets[:, 0], handicaps)
        foregrounds = [found[chosen]]
        if len(frames) > 1:
            others = planes(job.model.decode(out.targets[chosen][1:]))
            more = (drawn_at(place, picture, chosen) for place, picture in enumerate(others, start=1))
            foregrounds += map(self._found, more)
        if math.isinf(told):
            return Version(foregrounds, told, told)
        asked, before = self._losses([key], out.source[:1], self._track.objects[[key]])
        return Version(foregrounds, told, _HARDLY * float(well_told(before, asked).mean()))

    def _cells(self, job: EditJob, frames: list[int], room: float) -> Tensor:
        """Where a candidate with so much room may act, of the latents' size: (n, h, w), 0 or 1."""
        around = torch.stack([self._around(frame, room) for frame in frames])
        return adaptive_max_pool2d(around.float(), tuple(job.branches.x.shape[-2:]))

    def _around(self, frame: int, room: float) -> Tensor:
        """Where a candidate with so much room may act: bool (H, W)."""
        track = self._track
        if self._job.user_mask is not None:
            return track.coarse_mask[frame] > 0.5
        if not self._replaces:
            return track.objects[frame]
        reach = int(room * max(track.clip.shape[-2:]) * 2 * self._target.settings.control.freedom) // _AROUND
        return dilated(track.objects[[frame]], reach)[0] & ~self._kept([frame])[0]

    def _kept(self, frames: list[int]) -> Tensor:
        """Where a candidate must not show the new object, bool (n, H, W): there are other things."""
        others = self._track.others[frames]
        return others if self._replaces and self._job.user_mask is None else torch.zeros_like(others)

    def _found(self, drawn: Drawn) -> Foreground:
        foreground = find_foreground(self._track, drawn, self._replaces)
        moves = self._settings.in_place and self._replaces and self._job.user_mask is None
        return in_place(foreground, self._track) if moves else foreground

    def _likeliest(self, found: Sequence[Foreground], latents: Tensor, handicaps: Sequence[float]) -> tuple[int, float]:
        """Which foreground is best, and how well the new words tell it.

        Args:
            latents: (n, c, h, w), of which they were made.
            handicaps: see :func:`vp2p.pipeline.candidates.best`.
        """
        if len(found) == 1:
            return 0, math.inf
        shapes = torch.stack([one.shape for one in found])
        asked, before = self._losses([one.frame for one in found], latents, shapes)
        chosen = best(asked, before, [one.spill for one in found], handicaps)
        return chosen, float(well_told(asked, before)[chosen])

    def _losses(self, frames: list[int], latents: Tensor, shapes: Tensor) -> tuple[Tensor, Tensor]:
        """How badly latents (n, c, h, w) are denoised inside shapes (n, H, W), by the new words and by the old."""
        t2s, scheduler = self._job.t2s.of_frames(frames), self._job.model.latent.scheduler
        weights = adaptive_max_pool2d(shapes.float()[:, None], tuple(latents.shape[-2:]))[:, 0].to(latents.device)
        asked, before = (
            denoising_loss(t2s, scheduler, latents, text, weights)
            for text in (self._target.cond, self._job.branches.cond)
        )
        return asked, before


def priors(attention: Tensor | None, clip: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Where the old object and the new one are likely to be seen, (F, H, W) at the size of a clip (…, H, W).

    Args:
        attention: (2, F, h, w) of source and target; see :class:`vp2p.method.attention.protocol.AttentionControl`.
    """
    if attention is None:
        return None, None
    old, new = interpolate(attention.cpu(), size=clip.shape[-2:], mode="bilinear")
    return (old if bool(old.any()) else None), (new if bool(new.any()) else None)
