"""An edit on the frames between those that were edited: its layers are brought there along the clip's own motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from vp2p.compositing.clean_plate import inpaint
from vp2p.compositing.detail import with_detail
from vp2p.compositing.foreground import Foreground, softened
from vp2p.compositing.light import light
from vp2p.compositing.matting import Known, matte
from vp2p.compositing.motion.affine import EVEN
from vp2p.compositing.motion.dense import DenseModel
from vp2p.compositing.motion.protocol import CONFIDENT, Motion
from vp2p.compositing.propagate import mixed
from vp2p.compositing.shapes import dilated, eroded, fill_holes, opening
from vp2p.compositing.track import ObjectTrack, find_object, margin_of

_DIFFERENT = 8.0  # of 255: an edited frame shows another thing than the background there
_DENSE = DenseModel(kernel=EVEN)  # else edited frames, which are not moved, would differ from those beside them
_AROUND = 32  # this part of the longer side: so far from its expected place an object is looked for


@dataclass(frozen=True)
class EditLayers:
    """What one frame shows of an edit of an object, in the order in which it is laid over the ``clip`` (3, H, W).

    ``background`` (3, H, W), in 0…255 as the clip, stands where the old object was: ``objects``, bool (H, W). Over it
    comes the new object's ``picture`` (3, H, W), as far as ``alpha`` (H, W) says, in 0…1. Where the object keeps its
    outline, ``objects`` is not laid over: ``keeps``.
    """

    clip: Tensor
    objects: Tensor
    background: Tensor
    picture: Tensor
    alpha: Tensor
    keeps: bool

    @property
    def bared(self) -> Tensor:
        """(H, W) in 0…1: how much of the old object is taken away."""
        return torch.zeros_like(self.alpha) if self.keeps else softened(self.objects, margin_of(self.clip))

    @property
    def below(self) -> Tensor:
        """See :class:`vp2p.compositing.foreground.Foreground`."""
        return self.clip if self.keeps else self.background

    @property
    def frame(self) -> Tensor:
        """The edited frame (3, H, W)."""
        base = self.clip + self.bared * (self.background - self.clip)
        return base + self.alpha * (self.picture - base)


def edited_layers(clip: Tensor, edited: Tensor, coarse_mask: Tensor, keeps: bool) -> list[EditLayers]:
    """The layers of edited frames (F, 3, H, W), by what differs from the clip's own object and background.

    Args:
        clip: (F, 3, H, W) in 0…255.
        coarse_mask: (F, H, W) in 0…1, where the edit could act.
        keeps: whether the object keeps its outline; else another stands in its place.
    """
    objects, background, known = find_object(clip, coarse_mask)
    margin = margin_of(clip)
    found = []
    for frame, picture in enumerate(edited):
        hidden = clip[frame].where(~objects[frame], background[frame])
        hidden = inpaint(hidden, objects[frame] & ~known[frame])
        layers = EditLayers(clip[frame], objects[frame], hidden, picture, torch.zeros_like(clip[frame, 0]), keeps)
        other = (picture - (clip[frame] if keeps else layers.frame)).abs().amax(0) > _DIFFERENT
        shape = fill_holes(opening(other[None], 2))
        alpha = softened(dilated(shape, max(1, margin // 2))[0], margin)
        if keeps:
            alpha = softened(eroded(objects[[frame]], margin - margin // 2)[0], margin)
        found.append(EditLayers(clip[frame], objects[frame], hidden, picture, alpha, keeps))
    return found


def between(frames: Tensor, before: EditLayers, after: EditLayers | None) -> list[EditLayers]:
    """The layers of the frames (n, 3, H, W) that come between two whose layers are known, or after one."""
    ends = {0: before} if after is None else {0: before, len(frames) + 1: after}
    shown = {place: end for place, end in ends.items() if bool(end.objects.any())}
    if not shown:
        nothing = torch.zeros_like(before.objects)
        return [EditLayers(one, nothing, one, one, nothing.float(), before.keeps) for one in frames]
    clip = torch.cat([before.clip[None], frames, *([after.clip[None]] if after else [])])
    track = _tracked(clip, ends, shown)
    keys = [Foreground(at, end.picture, end.alpha, end.below, 0.0, end.objects) for at, end in shown.items()]
    found = []
    for place in range(1, len(frames) + 1):
        objects = track.objects[place]
        if not bool(objects.any()):
            found.append(EditLayers(clip[place], objects, clip[place], clip[place], objects.float(), before.keeps))
            continue
        picture, (alpha,), below, inside = mixed(track, keys, place, not before.keeps)
        background = track.background[place].where(track.known[place], below)
        background = inpaint(background, track.unseen[place] & ~inside)
        if before.keeps:
            picture = with_detail(picture, below, clip[place])
            alpha = alpha * softened(track.altered[place], track.margin)
        found.append(EditLayers(clip[place], objects, background, picture, alpha, before.keeps))
    return found


def _tracked(clip: Tensor, ends: dict[int, EditLayers], shown: dict[int, EditLayers]) -> ObjectTrack:
    """The object in all frames; in the ``ends`` it is known."""
    margin = margin_of(clip)
    region = _expected(clip, {place: end.objects for place, end in shown.items()})
    behind = _DENSE.of_background(clip, region)
    background, known = _plates(clip, ends, region, behind)
    found = matte(clip, region.float(), Known(plate=(background, known)))
    for place, end in ends.items():
        found[place] = eroded(end.objects[None], margin)[0]
    objects = dilated(found, margin)
    return ObjectTrack(clip, clip, region.float(), objects, _DENSE.of_object(clip, found, behind), background, known)


def _expected(clip: Tensor, shapes: dict[int, Tensor]) -> Tensor:
    """Where an object is looked for, bool (F, H, W): around its ``shapes``, moved evenly from one to the next."""
    middles = {place: torch.nonzero(shape).float().mean(0) for place, shape in shapes.items()}
    first, last = min(shapes), max(shapes)
    found = torch.zeros_like(clip[:, 0], dtype=torch.bool)
    for frame in range(len(clip)):
        share = (frame - first) / (last - first) if last > first else 0.0
        here = middles[first] + share * (middles[last] - middles[first])
        for place, shape in shapes.items():
            found[frame] |= _shifted(shape, (here - middles[place]).round().int().tolist())
    around = dilated(found, max(clip.shape[-2:]) // _AROUND)
    for place, shape in shapes.items():
        around[place] = shape
    return around


def _shifted(shape: Tensor, by: Sequence[int]) -> Tensor:
    """A shape (H, W) moved by whole pixels, down and right; what comes in is empty."""
    down, right = by
    height, width = shape.shape
    found = torch.zeros_like(shape)
    rows, columns = (slice(max(0, step), side + min(0, step)) for step, side in ((down, height), (right, width)))
    from_rows, from_columns = (
        slice(max(0, -step), side + min(0, -step)) for step, side in ((down, height), (right, width))
    )
    found[rows, columns] = shape[from_rows, from_columns]
    return found


def _plates(clip: Tensor, ends: dict[int, EditLayers], region: Tensor, behind: Motion) -> tuple[Tensor, Tensor]:
    """The background of all frames as the ends know it, (F, 3, H, W), and where, bool (F, H, W)."""
    plates, known = torch.zeros_like(clip), torch.zeros_like(region)
    for frame in range(len(clip)):
        total = torch.zeros_like(clip[0, :1])
        for place, end in ends.items():
            if min(behind.confidence[frame], behind.confidence[place]) < CONFIDENT:
                continue
            empty = end.clip.where(~end.objects, end.background)
            seen, inside = behind.warp(empty, place, frame)
            seen = seen * light(seen, clip[frame], inside & ~region[frame])
            share = inside / (1.0 + abs(frame - place))
            plates[frame], total = plates[frame] + share * seen, total + share
        known[frame] = total[0] > 0
        plates[frame] /= total.clamp(min=1e-6)
    return plates, known
