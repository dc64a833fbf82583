"""What a clip shows of what an edit changes: found once, by matting and motion, and used by all later steps."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from vp2p.compositing.apart import what_is_strange, what_touches
from vp2p.compositing.clean_plate import clean_plate
from vp2p.compositing.light import shading
from vp2p.compositing.matting import NOTHING, Known, attended, matte, matted_sizes, resized
from vp2p.compositing.motion.models import MODELS
from vp2p.compositing.motion.protocol import CONFIDENT, Motion, MotionModel
from vp2p.compositing.order import in_front
from vp2p.compositing.pixels import with_neighbours
from vp2p.compositing.shapes import dilated, eroded, opening

DENSE = MODELS["dense"]

_NEAR = 12  # this part of the longer side: so near an object, what is there is drawn anew with it
_CROWD = 0.02  # of the object's area: less of other things is noise
_PURE = 0.9  # of the most mean attention in a frame's outline: with less, it holds other things
_HAZY = 2.0  # radians that a frame may be turned further for all of the attention, instead of none of it
_CUT = 0.25  # the same for an object that lies along the border with its side, instead of far from it
_DIM, _LIT = 0.5, 0.14  # the same for an object in half of the light; less, in doublings, is the pose's
_OTHER = 30.0  # of 255: what differs more from the background is another thing
_MARGIN = 64  # an outline is drawn wider by this part of the longer side
_TYPICAL = 0.1  # by so much of the usual area may an object's differ: less is a part of it, more holds other things
_UPRIGHT = 0.1  # radians that a frame may be turned further for the object to be twice as large
_MOST_KEYS = 3  # more would differ more in what they show than they gain in what they reach
_ALIKE = 0.005  # radians: frames that differ by less are as good
# What stands on a background may be larger than it seems to the background's words by this part of the longer side.
_LARGER = 3
_PART = 0.1  # of the largest object; what is smaller and stands apart is background


@dataclass(frozen=True)
class ObjectTrack:
    """F frames of a clip, (F, 3, H, W) in 0…255.

    ``coarse_mask`` is the edit's mask (F, H, W), in 0…1; ``objects`` bool (F, H, W), what of it is the object
    to the pixel, a margin included; ``motion`` is the object's. ``background`` (F, 3, H, W) is what lies
    behind it, and ``known`` bool (F, H, W) where. ``vae_reconstruction`` is the clip as the VAE returns it.
    ``prior`` (F, H, W) in 0…1 is how much the model's attention sees the object, where that is known. ``front`` bool
    (F, H, W) is what stands in front of it, where anything does.
    """

    clip: Tensor
    vae_reconstruction: Tensor
    coarse_mask: Tensor
    objects: Tensor
    motion: Motion
    background: Tensor
    known: Tensor
    prior: Tensor | None = None
    front: Tensor | None = None

    @property
    def margin(self) -> int:
        """In pixels."""
        return margin_of(self.clip)

    @property
    def covered(self) -> Tensor:
        """bool (F, H, W): the objects, and what stands in front of them."""
        return self.objects | self.hiding

    @property
    def hiding(self) -> Tensor:
        """bool (F, H, W): what stands in front, if anything does."""
        return torch.zeros_like(self.objects) if self.front is None else self.front

    @property
    def altered(self) -> Tensor:
        """bool (F, H, W): what is covered with half of the margin, for what keeps its outline."""
        return eroded(self.covered, self.margin - self.margin // 2)

    @property
    def unseen(self) -> Tensor:
        """bool (F, H, W): where a background is covered that no frame shows."""
        return self.covered & ~self.known

    def emptied(self, frame: int) -> Tensor:
        """A frame with the background where it is covered, (3, H, W); where that is unseen, it means nothing."""
        return self.clip[frame].where(~self.covered[frame], self.background[frame])

    @cached_property
    def others(self) -> Tensor:
        """bool (F, H, W): what is neither the object nor the background behind it, such as another thing beside it."""
        shade = shading(self.background, self.clip, self.margin)
        apart = (self.clip - shade * self.background).abs().amax(1) / shade[:, 0].clamp(max=1)
        differs = with_neighbours(apart) > _OTHER
        return dilated(opening(differs & self.known & ~self.objects, 2 * self.margin), self.margin) & ~self.objects

    def key_frames(self) -> list[int]:
        """Frames that show all of the object and nothing else, the best first.

        It is alone, and seen from there in many frames; then it is upright, large, well lit and attended, and has
        room around it. Of frames that are alike in this, the one nearest to the clip's middle comes first. From there
        the others are least far away, and small errors of the motion do not choose.
        """
        scale, turn = self.motion.scale, self.motion.turn
        known = self._reached.sum(1) > 1
        if not bool(known.any()):
            return []
        alone = known & ~self._covered.to(known.device)
        known = alone if bool(alone.any()) else known
        whole = known & self._typical(known)
        cost = (turn - turn[known].median()).abs() - _UPRIGHT * scale.log2() + self._flaws.to(turn)
        rank: list[float] = ((cost - cost[whole].min()) / _ALIKE).floor().tolist()
        reached = self._reached.sum(1).tolist()
        frames = [frame for frame in range(len(rank)) if whole[frame]]
        middle, crowded = len(rank) // 2, self._crowded.tolist()
        return sorted(frames, key=lambda f: (crowded[f], -reached[f], rank[f], abs(f - middle)))

    @property
    def clearest(self) -> int:
        """The frame whose outline holds the object alone, as far as attention tells, with room around it."""
        return int(self._flaws.argmin())

    @cached_property
    def _flaws(self) -> Tensor:
        """(F,), radians that a frame may be turned further for the object to be better seen."""
        light = (self.clip.mean(1) * self.objects).flatten(1).sum(1) / self.objects.flatten(1).sum(1).clamp(min=1)
        dim = (light.max() / light.clamp(min=1)).log2().sub(_LIT).clamp(min=0)
        border = self._at_border(dilated(self.objects, self._near))
        return _HAZY * self._unattended + _CUT * border + _DIM * dim.cpu()

    @cached_property
    def _crowded(self) -> Tensor:
        """bool (F,): whether other things stand near the object."""
        near = dilated(self.objects, self._near) & self.others
        return near.flatten(1).sum(1) > _CROWD * self.objects.flatten(1).sum(1)

    @property
    def _covered(self) -> Tensor:
        """bool (F,): whether something stands in front of the object."""
        return self.hiding.flatten(1).any(1)

    def _at_border(self, objects: Tensor) -> Tensor:
        """(F,): how long objects (F, H, W) lie along the picture's border, in sides of a square as large as the own."""
        length = objects.flatten(1).sum(1) - objects[:, 1:-1, 1:-1].flatten(1).sum(1)
        return length / self.objects.flatten(1).sum(1).clamp(min=1).sqrt()

    @cached_property
    def _cut(self) -> Tensor:
        """bool (F,): whether the picture's border cuts the object off."""
        return self._at_border(eroded(self.objects, self.margin)) > 0

    @property
    def _near(self) -> int:
        """In pixels."""
        return max(self.clip.shape[-2:]) // _NEAR

    @cached_property
    def _unattended(self) -> Tensor:
        """(F,), 0…1: how much less the model's attention sees of an outline than of the best one that is not cut off.

        Other things inside it lower that.
        """
        if self.prior is None:
            return torch.zeros(len(self.objects))
        seen = (self.prior * self.objects).flatten(1).sum(1) / self.objects.flatten(1).sum(1).clamp(min=1)
        whole = seen if bool(self._cut.all()) else seen[~self._cut]
        return (1 - seen / whole.max().clamp(min=1e-6)).clamp(0, 1)

    def _typical(self, known: Tensor) -> Tensor:
        """bool (F,): where the object is about as large as usual, in pixels of frame 0.

        What is cut off by the picture's border tells nothing of that, unless it always is; then the most is whole.
        """
        inside = known & ~self._cut
        shown = (self.objects.float().sum((1, 2)) / self.motion.scale.to(self.clip) ** 2).clamp(min=1).log()
        usual = shown[inside].median() if bool(inside.any()) else shown[known].max()
        apart = (shown - usual).abs()
        return apart <= max(_TYPICAL, float(apart[known].min()))

    def further_keys(self, first: int) -> list[int]:
        """The fewest frames that reach, together with the ``first`` one, all others; two at most.

        Where the object is alone in the first, it is in these: another key that shows more would not be like it.
        """
        keys, reached = [first], self._reached
        crowded = self._crowded | (self._unattended > 1 - _PURE).to(self._crowded.device) | self._covered
        fit = ~crowded | crowded[first]
        while len(keys) < _MOST_KEYS:
            gained = ((reached & ~reached[keys].any(0)).sum(1) * fit).cpu()
            if not bool(gained.any()):
                break
            keys.append(int(gained.argmax()))
        return keys[1:]

    def hard_frames(self, keys: list[int]) -> list[int]:
        """Frames that none of the ``keys`` reaches."""
        return torch.nonzero(~self._reached[keys].any(0)).flatten().tolist()

    @property
    def _reached(self) -> Tensor:
        """bool (F, F): whether a frame (column) can be made of another, or of itself (row)."""
        reach = self.motion.reach
        return (reach >= CONFIDENT) | torch.eye(len(reach), dtype=torch.bool, device=reach.device)


def track_object(
    clip: Tensor,
    vae_reconstruction: Tensor,
    coarse_mask: Tensor,
    prior: Tensor | None = None,
    model: MotionModel = DENSE,
) -> ObjectTrack:
    """Finds what a mask (F, H, W) covers in a clip, and how it moves; see :class:`ObjectTrack`.

    Args:
        prior: where it is likely to be seen; see :class:`vp2p.compositing.matting.Known`.
    """

    def tracked(region: Tensor) -> tuple[ObjectTrack, Motion]:
        segmented = _segmented(clip, region, Known(prior=prior), model)
        track = _tracked(clip, vae_reconstruction, coarse_mask, segmented, model)
        return dataclasses.replace(track, prior=prior), segmented[1]

    track, behind = tracked(coarse_mask)
    others = torch.zeros_like(track.objects)
    if prior is not None:
        inside = eroded(track.objects, track.margin)
        others = what_touches(inside, prior, track.motion, track.clearest)
        others |= what_is_strange(inside, clip, prior, track.motion.familiar, track.margin)
        if bool(others.any()):  # seen outside the mask, they are known inside it as well, by their colours
            track, behind = tracked(coarse_mask.where(~others, 0))
            track = _emptied(track, others, behind)
    return _in_order(track, others, behind)


def follow_object(clip: Tensor, objects: Tensor, model: MotionModel = DENSE) -> ObjectTrack:
    """The track of objects, bool (F, H, W), that are known to the pixel."""
    behind = model.of_background(clip, dilated(objects, margin_of(clip)))
    return _in_order(_tracked(clip, clip, objects.float(), (objects, behind), model), torch.zeros_like(objects), behind)


def _in_order(track: ObjectTrack, others: Tensor, behind: Motion) -> ObjectTrack:
    """A track that knows what stands in front of its object; ``others`` are known to be neither it nor background."""
    front = in_front(track)
    if not bool(front.any()):
        return track
    return dataclasses.replace(_emptied(track, front | others, behind), objects=track.objects & ~front, front=front)


def _emptied(track: ObjectTrack, others: Tensor, behind: Motion) -> ObjectTrack:
    """A track in whose background other things, bool (F, H, W), do not stand where no other frame shows it."""
    background, known = clean_plate(track.clip, track.objects | others | track.others, behind)
    return dataclasses.replace(track, background=background, known=known)


def _tracked(
    clip: Tensor, vae_reconstruction: Tensor, coarse_mask: Tensor, segmented: tuple[Tensor, Motion], model: MotionModel
) -> ObjectTrack:
    found, behind = segmented
    objects = dilated(found, margin_of(clip))
    plate = clean_plate(clip, objects, behind)
    return ObjectTrack(clip, vae_reconstruction, coarse_mask, objects, model.of_object(clip, found, behind), *plate)


@dataclass(frozen=True)
class BackgroundTrack:
    """F frames of a clip, (F, 3, H, W) in 0…255, whose background an edit changes.

    ``objects`` bool (F, H, W) is what stands on it, to the pixel; ``motion`` is the background's.
    """

    clip: Tensor
    objects: Tensor
    motion: Motion


def track_background(clip: Tensor, coarse_mask: Tensor, exact: bool, model: MotionModel = DENSE) -> BackgroundTrack:
    """Finds what stands on the background that a mask (F, H, W) covers, and how the background moves.

    Args:
        exact: whether the mask tells background and objects apart to the pixel.
    """
    if exact:
        objects = coarse_mask <= 0.5
        return BackgroundTrack(clip, objects, model.of_background(clip, dilated(objects, margin_of(clip))))
    region = dilated(coarse_mask <= 0.5, max(clip.shape[-2:]) // _LARGER).float()
    return BackgroundTrack(clip, *_segmented(clip, region, NOTHING, model, _PART))


def _segmented(
    clip: Tensor, coarse_mask: Tensor, known: Known, model: MotionModel, parts: float = 0.0
) -> tuple[Tensor, Motion]:
    """What a mask (F, H, W) covers in a clip, to the pixel, bool (F, H, W), and how the background behind it moves.

    Args:
        parts: see :func:`vp2p.compositing.matting.matte`.
    """
    found = matte(clip, coarse_mask, known, parts)
    objects = dilated(found, margin_of(clip))
    behind = model.of_background(clip, objects)
    whole, small = matted_sizes(clip)
    plate = clean_plate(resized(clip, small), resized(objects, small), behind.resized(whole, small))
    if bool(plate[1].any()):
        found = matte(clip, coarse_mask, dataclasses.replace(known, plate=plate), parts)
    if known.prior is not None:
        found = attended(found, known.prior, margin_of(clip))
    return found, behind


def margin_of(clip: Tensor) -> int:
    """By how many pixels outlines are drawn wider: objects have soft edges, and rims of other colour."""
    return max(1, round(max(clip.shape[-2:]) / _MARGIN))
