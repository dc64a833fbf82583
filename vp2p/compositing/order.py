"""What stands in front of an object: it hides a part of the old one, and is to hide the new one as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vp2p.compositing.light import light
from vp2p.compositing.pixels import from_colours, with_neighbours
from vp2p.compositing.shapes import dilated, eroded, opening, parts_of
from vp2p.compositing.threads import side_by_side

if TYPE_CHECKING:
    from vp2p.compositing.track import ObjectTrack

# Of the object's area, that a thing hides. Less may be an error: what matting had left out of rendered dogs seemed to
# hide 0.05 to 0.07 of them. Drawn posts hide 0.11 to 0.25, and less at the object's rim.
_LEAST = 0.08
_COLOURS = 64  # that another thing is known by
_APART = 20.0  # of 255: what differs less from what is expected is what is expected


def in_front(track: ObjectTrack) -> Tensor:
    """Where other things stand in front of an object, bool (F, H, W): inside its outlines, and beside them.

    A thing that is seen beside the object is in front where its colours go on inside the place to which the outline
    of the first key frame moves, and the frame shows neither what that frame does there, nor the background.
    """
    # That frame's motion is asked for later, too; where nothing can be followed, there is no such frame.
    key, margin = (track.key_frames() or [track.clearest])[0], track.margin
    outline = eroded(track.objects[[key]], margin)
    found = torch.zeros_like(track.objects)
    shown = torch.cat([track.clip[key], outline.to(track.clip)])
    beside = dilated(track.objects, 2 * margin) & track.others
    crowded = [at for at in range(len(found)) if at != key and bool(beside[at].any())] if bool(outline.any()) else []

    def hiding(frame: int) -> Tensor:
        moved, inside = track.motion.warp(shown, key, frame, True)
        place = (moved[3] > 0.5) & inside
        picture = track.clip[frame]
        wanted = moved[:3] * light(moved[:3], picture, place & track.objects[frame])
        apart = _apart(picture, wanted).minimum(_apart(picture, track.background[frame]).where(track.known[frame], 255))
        return _hiding(picture, apart, place, track.others[frame], margin)

    if crowded:
        track.motion.prepare([key])
        found[crowded] = torch.stack(side_by_side(hiding, crowded))
    return found


def _hiding(picture: Tensor, apart: Tensor, place: Tensor, others: Tensor, margin: int) -> Tensor:
    """The other things, bool (H, W), that hide some of an object's ``place``, bool (H, W).

    Args:
        apart: (H, W), by how much a picture (3, H, W) differs from what the object or its background would show.
    """
    near = dilated(place[None], 3 * margin)[0]  # outlines have a margin, on both sides of which a thing goes on
    possible = near & (apart > _APART)
    asked = dilated(possible[None], 1)[0]
    front = torch.zeros_like(others)
    for thing in parts_of(others):
        sure = eroded(thing[None], margin)[0]
        colours = picture[:, sure if bool(sure.any()) else thing].T
        alike = torch.full_like(apart, 255)
        alike[asked] = from_colours(picture[:, asked].T, colours, _COLOURS)
        goes_on = possible & (with_neighbours(alike[None])[0] < apart / 2)
        whole = _holding(opening((goes_on | thing)[None], 2 * margin)[0], thing)
        if float((whole & place).sum()) >= _LEAST * float(place.sum()):
            front |= whole
    return front


def _holding(shape: Tensor, thing: Tensor) -> Tensor:
    """The parts of a shape, bool (H, W), that hold some of a thing."""
    held = torch.zeros_like(shape)
    for part in parts_of(shape):
        if bool((part & thing).any()):
            held |= part
    return held


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """(H, W), by how much pictures (3, H, W) differ."""
    return with_neighbours((one - other).abs().amax(0)[None])[0]
