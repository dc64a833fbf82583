"""The compositing of a long clip in parts, so that memory does not grow with it.

Objects are edited in some frames, spread evenly, and brought to the frames between along the clip's own motion, as
``vp2p full`` does it. All else is composited in windows, of which one fades into the next.
"""

from __future__ import annotations

import dataclasses
from typing import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.between import between, edited_layers
from vp2p.compositing.composite import Composite
from vp2p.compositing.pixels import planes, rounded, spread
from vp2p.method.editing import Edited
from vp2p.pipeline.job import EditJob
from vp2p.pipeline.layers import Layer
from vp2p.pipeline.together import Asking
from vp2p.t2s.windows import windows

LayOver = Callable[[EditJob, Layer, Composite, Tensor], Asking[Composite]]
"""Lays a layer of an edit over what is underneath; the last argument is the clip as the VAE decodes it."""


class LongComposite:
    """A clip whose layers are laid over it in parts; ``frames`` is uint8 RGB (F, H, W, 3).

    Args:
        source: uint8 (F, H, W, 3), the clip as the VAE decodes it.
        lay_over: what does it with frames that are few enough.
    """

    def __init__(self, job: EditJob, source: np.ndarray, lay_over: LayOver) -> None:
        self._job, self._source, self._lay_over = job, source, lay_over
        self._clip, self._most = job.inversion.clip.pixels, job.model.t2s.window_frames
        self.frames = self._clip.copy()
        self._old = np.zeros(self._clip.shape[:3], bool)
        self._new = np.zeros_like(self._old)

    def add(self, layers: Sequence[Layer]) -> Asking[None]:
        """Lays the layers of an edit over the clip."""
        objects = [layer for layer in layers if self._is_followed(layer)]
        if objects:
            yield from self._follow(objects)
        others = [layer for layer in layers if not self._is_followed(layer)]
        if others:
            yield from self._in_windows(others)

    def _is_followed(self, layer: Layer) -> bool:
        mask = layer.edited.masks[0]
        wanted = layer.target.settings.composite.propagate and mask is not None and bool(mask.any())
        return wanted and not layer.ground

    def _region(self, layers: Sequence[Layer]) -> Tensor:
        """Where some layers may act, (F, H, W) in 0…1, or of the latents' size where attention says it."""
        if self._job.user_mask is not None:
            return self._job.user_mask
        masks = [layer.edited.masks[0] for layer in layers]
        return torch.stack([mask.float().cpu() for mask in masks if mask is not None]).amax(0)

    def _follow(self, layers: Sequence[Layer]) -> Asking[None]:
        sampled = spread(len(self._clip), self._most)
        made = yield from self._laid_over(layers, sampled)
        region = interpolate(self._region(layers)[sampled][:, None], size=self._clip.shape[1:3])[:, 0]
        keeps = not any(layer.target.plan.replaces for layer in layers)
        ends = edited_layers(planes(self._clip[sampled]), made.frames, region, keeps)
        self._keep(sampled, torch.stack([end.frame for end in ends]), made.old, made.new)
        for at, (before, after) in enumerate(zip(sampled, sampled[1:])):
            inner = list(range(before + 1, after))
            if inner:
                found = between(planes(self._clip[inner]), ends[at], ends[at + 1])
                parts = zip(*((one.frame, one.objects, one.alpha > 0.5) for one in found))
                self._keep(inner, *(torch.stack(part) for part in parts))

    def _keep(self, places: list[int], frames: Tensor, old: Tensor, new: Tensor) -> None:
        if self._job.user_mask is not None:  # it is kept to the pixel
            frames = frames.where(self._job.user_mask[places][:, None] > 0.5, planes(self.frames[places]))
        self.frames[places] = rounded(frames)
        self._old[places], self._new[places] = old.numpy(), new.numpy()

    def _in_windows(self, layers: Sequence[Layer]) -> Asking[None]:
        fading: dict[int, Tensor] = {}
        underneath = self.frames.copy()
        for window in windows(len(self._clip), self._most):
            made = yield from self._laid_over(layers, list(window.frames), underneath)
            for place, weight, picture in zip(window.frames, window.weights, made.frames):
                if weight:
                    fading[place] = fading.get(place, torch.zeros(())) + weight * picture
                    self.frames[place] = rounded(fading[place][None])[0]
            fading = {place: picture for place, picture in fading.items() if place > window.frames[1]}

    def _laid_over(
        self, layers: Sequence[Layer], places: list[int], underneath: np.ndarray | None = None
    ) -> Asking[Composite]:
        """Some frames with some layers over what is ``underneath``: all frames, by default those of now."""
        job, below = _of_frames(self._job, places), self.frames if underneath is None else underneath
        old, new = (torch.from_numpy(masks[places]) for masks in (self._old, self._new))
        made = Composite(planes(below[places]), old, new)
        for layer in layers:
            part = layer._replace(edited=_edited_frames(layer.edited, places))
            made = yield from self._lay_over(job, part, made, planes(self._source[places]))
        return made


def _of_frames(job: EditJob, places: list[int]) -> EditJob:
    """The same edit of some frames alone, as if these were the clip."""
    clip = dataclasses.replace(job.inversion.clip, pixels=job.inversion.clip.pixels[places], between=())
    mask = None if job.user_mask is None else job.user_mask[places]
    inversion = dataclasses.replace(job.inversion, clip=clip)
    return dataclasses.replace(job.of_frames(places), inversion=inversion, user_mask=mask)


def _edited_frames(edited: Edited, places: list[int]) -> Edited:
    masks = tuple(None if mask is None else mask[places] for mask in edited.masks)
    attention = tuple(None if one is None else one[:, places] for one in edited.attention)
    return Edited(edited.step, edited.source[places], edited.targets[:, places], masks, attention)
