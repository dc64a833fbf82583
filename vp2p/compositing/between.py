"""An edit on the frames between those that were edited: its layers are brought there along the clip's own motion."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Sequence

import torch
from torch import Tensor

from vp2p.compositing.clean_plate import inpaint
from vp2p.compositing.detail import with_detail
from vp2p.compositing.foreground import Foreground, not_behind, softened
from vp2p.compositing.light import light
from vp2p.compositing.matting import Known, matte
from vp2p.compositing.motion.affine import EVEN
from vp2p.compositing.motion.dense import DenseModel
from vp2p.compositing.motion.protocol import CONFIDENT, Motion
from vp2p.compositing.order import going_on, in_front
from vp2p.compositing.propagate import mixed
from vp2p.compositing.shapes import dilated, eroded, fill_holes, opening
from vp2p.compositing.track import ObjectTrack, margin_of, track_object

_DIFFERENT = 8.0  # of 255: an edited frame shows another thing than the background there
_DENSE = DenseModel(kernel=EVEN)  # else edited frames, which are not moved, would differ from those beside them
_AROUND = 32  # this part of the longer side: so far from its expected place an object is looked for


@dataclass(frozen=True)
class EditLayers:
    """What one frame shows of an edit of an object, in the order in which it is laid over the ``clip`` (3, H, W).

    ``background`` (3, H, W), in 0…255 as the clip, stands where the old object was: ``objects``, bool (H, W). Over it
    comes the new object's ``picture`` (3, H, W), as far as ``alpha`` (H, W) says, in 0…1. Where the object keeps its
    outline, ``objects`` is not laid over: ``keeps``. At last comes what stands in ``front`` of it, bool (H, W).
    """

    clip: Tensor
    objects: Tensor
    background: Tensor
    picture: Tensor
    alpha: Tensor
    keeps: bool
    front: Tensor

    @property
    def covered(self) -> Tensor:
        """bool (H, W): the old object, and what stands in front of it."""
        return self.objects | self.front

    @property
    def bared(self) -> Tensor:
        """(H, W) in 0…1: how much of the old object is taken away."""
        if self.keeps:
            return torch.zeros_like(self.alpha)
        return softened(self.covered, margin_of(self.clip)) * not_behind(self.front, margin_of(self.clip))

    @property
    def cover(self) -> Tensor:
        """(H, W) in 0…1: how much of the new object is seen."""
        return self.alpha * not_behind(self.front, margin_of(self.clip))

    @property
    def below(self) -> Tensor:
        """See :class:`vp2p.compositing.foreground.Foreground`."""
        return self.clip if self.keeps else self.background

    @property
    def frame(self) -> Tensor:
        """The edited frame (3, H, W)."""
        base = self.clip + self.bared * (self.background - self.clip)
        return base + self.cover * (self.picture - base)


def edited_layers(clip: Tensor, edited: Tensor, coarse_mask: Tensor, keeps: bool) -> list[EditLayers]:
    """The layers of edited frames (F, 3, H, W), by what differs from the clip's own object and background.

    Args:
        clip: (F, 3, H, W) in 0…255.
        coarse_mask: (F, H, W) in 0…1, where the edit could act.
        keeps: whether the object keeps its outline; else another stands in its place.
    """
    track = track_object(clip, clip, coarse_mask)
    objects, margin, front = track.objects, track.margin, track.hiding
    found = []
    for frame, picture in enumerate(edited):
        # Beside the object it has no other things that move, which are elsewhere in the frames between.
        hidden = clip[frame].where(~(track.covered | track.others & track.known)[frame], track.background[frame])
        hidden = inpaint(hidden, track.unseen[frame])
        nothing = torch.zeros_like(clip[frame, 0])
        layers = EditLayers(clip[frame], objects[frame], hidden, picture, nothing, keeps, front[frame])
        other = (picture - (clip[frame] if keeps else layers.frame)).abs().amax(0) > _DIFFERENT
        shape = fill_holes(opening(other[None], 2))
        alpha = softened(dilated(shape, max(1, margin // 2))[0], margin)
        if keeps:
            alpha = softened(track.altered[frame], margin)
        found.append(dataclasses.replace(layers, alpha=alpha))
    return found


def between(frames: Tensor, before: EditLayers, after: EditLayers | None) -> list[EditLayers]:
    """The layers of the frames (n, 3, H, W) that come between two whose layers are known, or after one."""
    ends = {0: before} if after is None else {0: before, len(frames) + 1: after}
    shown = {place: end for place, end in ends.items() if bool(end.objects.any())}
    if not shown:
        return [_unedited(one, before.keeps) for one in frames]
    clip = torch.cat([before.clip[None], frames, *([after.clip[None]] if after else [])])
    track = _tracked(clip, ends, shown)
    keys = [
        Foreground(at, end.picture, end.alpha, end.below, 0.0, end.objects, None if end.keeps else end.front)
        for at, end in shown.items()
    ]
    front, found = track.hiding, []
    for place in range(1, len(frames) + 1):
        objects = track.objects[place]
        if not bool(objects.any()):
            found.append(_unedited(clip[place], before.keeps))
            continue
        picture, (alpha,), below, inside = mixed(track, keys, place, not before.keeps)
        background = track.background[place].where(track.known[place], below)
        background = inpaint(background, track.unseen[place] & ~inside)
        if before.keeps:
            picture = with_detail(picture, below, clip[place])
            alpha = alpha * softened(track.altered[place], track.margin)
        found.append(EditLayers(clip[place], objects, background, picture, alpha, before.keeps, front[place]))
    return found


def _unedited(frame: Tensor, keeps: bool) -> EditLayers:
    nothing = torch.zeros_like(frame[0], dtype=torch.bool)
    return EditLayers(frame, nothing, frame, frame, nothing.float(), keeps, nothing)


def _tracked(clip: Tensor, ends: dict[int, EditLayers], shown: dict[int, EditLayers]) -> ObjectTrack:
    """The object in all frames; in the ``ends`` it is known."""
    margin = margin_of(clip)
    region = _expected(clip, {place: end.covered for place, end in shown.items()})
    behind = _DENSE.of_background(clip, region)
    plates = _plates(clip, ends, region, behind)
    found, front = matte(clip, region.float(), Known(plate=plates)), torch.zeros_like(region)
    for place, end in ends.items():
        found[place], front[place] = eroded(end.objects[None], margin)[0], end.front

    def tracked() -> ObjectTrack:
        motion = _DENSE.of_object(clip, found, behind)
        return ObjectTrack(clip, clip, region.float(), dilated(found, margin), motion, *plates, front=front)

    track = tracked()
    front = in_front(track, list(shown))
    if not bool(front.any()):
        return track
    found &= ~front
    found &= opening(found, 2 * margin) | ~dilated(front, margin)  # its rims
    track = tracked()  # whose motion is its own
    front = going_on(front, track)
    return dataclasses.replace(track, objects=track.objects & ~front, front=front)


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
            seen, inside = behind.warp(end.background, place, frame)
            seen = seen * light(seen, clip[frame], inside & ~region[frame])
            share = inside / (1.0 + abs(frame - place))
            plates[frame], total = plates[frame] + share * seen, total + share
        known[frame] = total[0] > 0
        plates[frame] /= total.clamp(min=1e-6)
    return plates, known
