"""The foregrounds that all frames are made of: the likeliest of several candidates of the key frames' edit."""

from __future__ import annotations

import dataclasses
from typing import Sequence

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
from vp2p.pipeline.candidates import Candidate, best, candidates
from vp2p.pipeline.job import EditJob, Request
from vp2p.pipeline.together import Asking

_AROUND = 12  # a first candidate may reach beyond the old object by this part of the longer side


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
            return (yield from self._tried([frames[0], *self._track.further_keys(frames[0])]))
        first = own(frames[0])
        if self._plan.kind != "reweight":  # a word that weighs more makes no picture likelier
            found = [first, *map(own, frames[1:])]
            first = found[self._likeliest(found, latents[frames], [False] * len(found))]
        return [first, *map(own, self._track.further_keys(first.frame))]

    @property
    def _removes(self) -> bool:
        """Whether words are only taken away: what is bared is background, and does not move with the object."""
        return self._plan.kind != "reweight" and not self._plan.changed_words

    def _tried(self, frames: list[int]) -> Asking[list[Foreground]]:
        """The best of the candidates, each made of all key frames together, so that they show one thing."""
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
        chosen = self._likeliest(found, out.targets[:, 0], [candidate.seed is not None for candidate in tried])
        if len(frames) == 1:
            return [found[chosen]]
        others = planes(job.model.decode(out.targets[chosen][1:]))
        more = (drawn_at(place, picture, chosen) for place, picture in enumerate(others, start=1))
        return [found[chosen], *map(self._found, more)]

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

    def _likeliest(self, found: Sequence[Foreground], latents: Tensor, drawn: Sequence[bool]) -> int:
        """Which foreground is best, made of latents (n, c, h, w), of which some were ``drawn`` from other noise."""
        if len(found) == 1:
            return 0
        t2s = self._job.t2s.of_frames([one.frame for one in found])
        size = tuple(latents.shape[-2:])
        weights = torch.stack([adaptive_max_pool2d(one.shape.float()[None], size)[0] for one in found])
        scheduler, weights = self._job.model.latent.scheduler, weights.to(latents.device)
        asked, before = (
            denoising_loss(t2s, scheduler, latents, text, weights)
            for text in (self._target.cond, self._job.branches.cond)
        )
        # What shows nothing in particular is likely by any prompt; what shows the new words is not by the old one.
        return best(asked * asked / before, [one.spill for one in found], drawn)


def priors(attention: Tensor | None, clip: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Where the old object and the new one are likely to be seen, (F, H, W) at the size of a clip (…, H, W).

    Args:
        attention: (2, F, h, w) of source and target; see :class:`vp2p.method.attention.protocol.AttentionControl`.
    """
    if attention is None:
        return None, None
    old, new = interpolate(attention.cpu(), size=clip.shape[-2:], mode="bilinear")
    return (old if bool(old.any()) else None), (new if bool(new.any()) else None)
