"""What stands in front of an object: it hides a part of the old one, and is to hide the new one as well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Collection, Sequence

import torch
from torch import Tensor

from vp2p.compositing.carried import Surface
from vp2p.compositing.light import light
from vp2p.compositing.pixels import from_colours, with_neighbours
from vp2p.compositing.shapes import closing, dilated, eroded, opening, parts_of
from vp2p.compositing.threads import side_by_side

if TYPE_CHECKING:
    from vp2p.compositing.track import ObjectTrack

# Of the object's area, that a thing hides. Less may be an error: what matting had left out of rendered dogs seemed to
# hide 0.05 to 0.07 of them. Drawn posts hide 0.11 to 0.25, and less at the object's rim.
_LEAST = 0.08
_AGAIN = 0.02  # the same for a thing that is known from another frame
# Of what seems to be in front, that other frames show at the same place of the object: with more, it is the object's
# own. Parts of drawn animals had 0.23 to 0.69, and posts at most 0.08.
_CARRIED = 0.15
_TOUCHED = 0.05  # of a pixel that has been moved: with more of it, another thing is mixed in
_COLOURS = 64  # that another thing is known by
_APART = 20.0  # of 255: what differs less from what is expected is what is expected


@dataclass(frozen=True)
class _Place:
    """What a frame shows where its object is expected.

    ``picture`` is (3, H, W) in 0…255, ``unlike`` (H, W) by how much it differs from what the object or its background
    would show; ``inside`` bool (H, W) is the object's expected outline, and ``near`` all around it that is looked at.
    """

    picture: Tensor
    unlike: Tensor
    inside: Tensor
    near: Tensor

    @cached_property
    def apart(self) -> Tensor:
        """``unlike``, with neighbours."""
        return with_neighbours(self.unlike[None])[0]


def in_front(track: ObjectTrack, ends: Sequence[int] = ()) -> Tensor:
    """Where other things stand in front of an object, bool (F, H, W): inside its outlines, and beside them.

    A thing that is seen beside the object is in front where its colours go on inside the place to which the outline
    of a clear key frame moves, and the frame shows neither what that frame does there, nor the background. What other
    frames show at the same place of the object is a part of it that its outlines lack. What is known to be in front
    in one frame is found in the others by its colours.

    Args:
        ends: frames of which the track knows it. The others are compared with these.
    """
    found = track.hiding.clone()
    margin = track.margin
    beside = found.flatten(1).any(1) | (dilated(track.objects, 2 * margin) & track.others).flatten(1).any(1)
    if not bool(beside.any()):
        return found
    keys = list(ends or track.key_frames()[:2] or [track.clearest])

    def expected(frame: int) -> _Place | None:
        others = [key for key in keys if key != frame]
        if ends:  # what one hides, the other may show
            return _expected(track, sorted(others, key=lambda key: abs(key - frame)), frame)
        return _expected(track, others[:1], frame)

    def places(frames: list[int]) -> dict[int, _Place]:
        # The motion of the first is asked for later, too.
        track.motion.prepare(keys if ends or keys[0] in frames else keys[:1])
        return {at: place for at, place in zip(frames, side_by_side(expected, frames)) if place is not None}

    seen = places(torch.nonzero(beside).flatten().tolist())
    for at, place in seen.items():
        if at not in ends:
            found[at] = _hiding(place, track.others[at], margin)
    if not bool(found.any()):
        return found
    surface = Surface.of(track.clip, track.motion, keys[0])
    for at in seen.keys() - set(ends):
        found[at] = _foreign(found[at], surface, at, seen[at])
    if bool(found.any()):
        seen |= places([at for at in range(len(found)) if at not in seen and bool(track.objects[at].any())])
        colours = _colours(seen.values(), found[list(seen)], margin)
        for at in seen.keys() - set(ends):
            again = _again(seen[at], colours, found[at], margin)
            found[at] |= again if ends else _foreign(again, surface, at, seen[at])
    return going_on(found, track)


def going_on(front: Tensor, track: ObjectTrack) -> Tensor:
    """What is in front, bool (F, H, W), with what of it is beside the object: a wider new one reaches further."""
    narrow = eroded(track.others | track.objects, track.margin)  # towards the background, others have a margin
    parts = [_holding(others, one) for one, others in zip(front, track.others)]
    return front | torch.stack(parts) & narrow


def _foreign(front: Tensor, surface: Surface, frame: int, place: _Place) -> Tensor:
    """The parts of what seems to be in front, bool (H, W), that are not the object's own."""
    found = torch.zeros_like(front)
    for part in parts_of(front):
        if surface.carries(frame, part & place.inside) < _CARRIED:
            found |= part
    return found


def _expected(track: ObjectTrack, keys: Sequence[int], frame: int) -> _Place | None:
    """A frame as the objects of key frames would have it, of the first one that shows each place; None for none."""
    outlines = {key: eroded(track.objects[[key]], track.margin) for key in keys}
    shown = [key for key in keys if bool(outlines[key].any())]
    if not shown:
        return None
    moved, place, hidden = _moved(track, outlines[shown[0]], shown[0], frame)
    for key in shown[1:]:
        further, gained, covered = _moved(track, outlines[key], key, frame)
        gained &= ~place
        moved, hidden, place = further.where(gained, moved), covered.where(gained, hidden), place | gained
    picture = track.clip[frame]
    wanted = moved * light(moved, picture, place & track.objects[frame])
    unlike = (picture - wanted).abs().amax(0).where(~hidden, 255)
    behind = (picture - track.background[frame]).abs().amax(0).where(track.known[frame], 255)
    # Outlines have a margin, on both sides of which a thing goes on; and what was taken for the object is taken away.
    near = dilated(place[None], 3 * track.margin)[0] | track.objects[frame]
    return _Place(picture, unlike.minimum(behind), place, near)


def _moved(track: ObjectTrack, outline: Tensor, key: int, frame: int) -> tuple[Tensor, Tensor, Tensor]:
    """A key frame (3, H, W) in another, its outline (1, H, W), and what is in front of it there, both bool (H, W)."""
    planes = torch.cat([track.clip[key], torch.cat([outline, track.hiding[[key]]]).to(track.clip)])
    moved, inside = track.motion.warp(planes, key, frame, True)
    return moved[:3], (moved[3] > 0.5) & inside, moved[4] > _TOUCHED


def _hiding(place: _Place, others: Tensor, margin: int) -> Tensor:
    """The other things, bool (H, W), that hide some of an object's place."""
    front = torch.zeros_like(others)
    for thing in parts_of(others):
        whole, new = _going_on(place, thing, _colours([place], thing[None], margin), margin)
        whole = _holding(whole, thing)
        if _share(whole & new, place) >= _LEAST:
            front |= whole
    return front


def _again(place: _Place, colours: Tensor, front: Tensor, margin: int) -> Tensor:
    """Where things of these colours (n, 3) hide some of an object's place, bool (H, W); ``front`` is known to."""
    whole, new = _going_on(place, front, colours, margin)
    found = torch.zeros_like(front)
    for part in parts_of(dilated(whole[None], margin)[0]):  # lines of the object may part it
        if _share(part & new, place) >= _AGAIN:
            found |= part & whole
    return found


def _going_on(place: _Place, thing: Tensor, colours: Tensor, margin: int) -> tuple[Tensor, Tensor]:
    """A thing, bool (H, W), with all that is of its colours (n, 3) and unexpected, and the latter alone."""
    possible = place.near & (place.apart > _APART)
    asked = dilated(possible[None], 1)[0]
    exact = torch.full_like(place.unlike, 255)
    exact[asked] = from_colours(place.picture[:, asked].T, colours, _COLOURS)
    alike = with_neighbours(exact[None])[0]
    new = possible & (alike < place.apart / 2)
    # Where the object is of the thing's colours, as its lines may be, the thing is not parted.
    whole = new | thing
    whole |= closing(whole[None], 2 * margin)[0] & place.near & (alike < _APART)
    whole = opening(whole[None], 2 * margin)[0]
    return whole & ~(asked & (place.unlike < exact)), new


def _colours(places: Collection[_Place], things: Tensor, margin: int) -> Tensor:
    """The colours (n, 3) of things, bool (F, H, W), where they are no rim and not what is expected, if anywhere."""
    inside = eroded(things, margin + 1)  # a margin, and a pixel by which means over neighbours reach further
    inside &= torch.stack([place.apart > _APART for place in places])
    pictures = torch.stack([place.picture for place in places]).movedim(1, -1)
    return pictures[inside if bool(inside.any()) else things]


def _share(shape: Tensor, place: _Place) -> float:
    """Which share of an object's place a shape takes."""
    return float((shape & place.inside).sum() / place.inside.sum().clamp(min=1))


def _holding(shape: Tensor, thing: Tensor) -> Tensor:
    """The parts of a shape, bool (H, W), that hold some of a thing."""
    held = torch.zeros_like(shape)
    for part in parts_of(shape):
        if bool((part & thing).any()):
            held |= part
    return held
