"""Propagates the foregrounds of key frames over all frames along the clip's motion, on the clip's own pixels.

Each frame's edit is a guess of its own, and the guesses differ. What the old object hid is the background as other
frames show it.
"""

from __future__ import annotations

import dataclasses
from typing import Sequence

import torch
from torch import Tensor

from vp2p.compositing.clean_plate import inpaint, seamless
from vp2p.compositing.composite import Composite
from vp2p.compositing.detail import with_detail
from vp2p.compositing.followed import followed_motion, weight
from vp2p.compositing.foreground import Foreground, edited_shapes, not_behind, softened
from vp2p.compositing.light import light
from vp2p.compositing.shapes import dilated, eroded
from vp2p.compositing.threads import side_by_side
from vp2p.compositing.track import ObjectTrack

# By so much less does a frame count where something hides the object: it is asked where all hide it.
_HIDDEN = 0.999


def propagate(track: ObjectTrack, foregrounds: Sequence[Foreground], edited: Tensor, replaces: bool) -> Composite:
    """All frames with the foreground of the key frames; each is made of the nearest ones.

    Args:
        foregrounds: of one edit, one for each key frame.
        edited: (F, 3, H, W), each frame's own edit, around what keeps its outline.
    """
    shapes = track.objects.clone()

    def made(frame: int) -> Tensor:
        if not bool(track.objects[frame].any()):  # there is nothing to stand in for
            shapes[frame] = False
            return track.clip[frame]
        picture, alpha, below, inside = mixed(track, foregrounds, frame, replaces)
        if replaces:
            old, unseen = softened(track.covered[frame], track.margin), track.unseen[frame]
            hidden = seamless(below, unseen, track.emptied(frame))
            base = track.clip[frame] + old * (hidden - track.clip[frame])
            base = inpaint(base, unseen & ~inside)
            shapes[frame] = alpha[0] > 0.5
        else:
            decoded = track.vae_reconstruction[frame]
            picture, below = edited[frame] + alpha * (picture - edited[frame]), decoded + alpha * (below - decoded)
            picture = with_detail(picture, below, track.clip[frame])
            base, alpha = track.clip[frame], softened(track.altered[frame], track.margin)
        shown = not_behind(track.hiding[frame], track.margin)
        return track.clip[frame] + shown * (base + alpha * (picture - base) - track.clip[frame])

    keys = [foreground.frame for foreground in foregrounds]
    track.motion.prepare(keys)
    frames = torch.stack(side_by_side(made, range(len(edited)))).clamp(0, 255)
    return dataclasses.replace(_changed(track, frames, shapes), motions=(followed_motion(track, keys),))


def mixed(
    track: ObjectTrack, foregrounds: Sequence[Foreground], frame: int, replaces: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A frame's picture (3, H, W), alpha (1, H, W) and what is below (3, H, W), and where they are known, bool (H, W).

    Of several key frames each pixel takes the one that is most certain, and near. Its light is the frame's own.
    """
    for foreground in foregrounds:
        if foreground.frame == frame:
            picture, alpha, below = foreground.planes.split([3, 1, 3])
            return picture, alpha, below, torch.ones_like(alpha[0], dtype=torch.bool)
    total = torch.zeros_like(foregrounds[0].planes)
    weights, known = torch.zeros_like(total[0]), torch.zeros_like(total[0], dtype=torch.bool)
    for foreground in foregrounds:
        key = foreground.frame
        seen, inside = track.motion.warp(torch.cat([foreground.planes, track.clip[key]]), key, frame, replaces)
        seen, own = seen[:-3], seen[-3:]
        gain = light(own, track.clip[frame], eroded(track.objects[[frame]], track.margin)[0] & inside)
        seen[:3] *= gain
        if not replaces:  # what is below is the object itself
            seen[4:] *= gain
        share = weight(track.motion.certainty(key, frame).to(total), key - frame).expand_as(weights)
        if foreground.front is not None:
            hidden = dilated(foreground.front[None], track.margin).to(total)
            share = share * (1 - track.motion.warp(hidden, key, frame, replaces)[0][0].clamp(0, _HIDDEN))
        seen[3] = seen[3].clamp(0, 1) * inside
        total, weights, known = total + share * seen, weights + share, known | inside
    picture, alpha, below = (total / weights).split([3, 1, 3])
    return picture, alpha, below, known


def paste(track: ObjectTrack, edited: Tensor, replaces: bool) -> Composite:
    """Each frame's own edit (F, 3, H, W), with the clip's own pixels outside the old object and the new one."""
    if replaces:
        shapes = edited_shapes(track, list(range(len(edited))), edited, track.coarse_mask)
        covered = track.covered | shapes
    else:
        shapes, covered = track.objects, track.altered
        edited = torch.stack([with_detail(*each) for each in zip(edited, track.vae_reconstruction, track.clip)])
    margin = track.margin
    alpha = torch.stack([softened(at, margin) * not_behind(one, margin) for at, one in zip(covered, track.hiding)])
    return _changed(track, track.clip + alpha[:, None] * (edited - track.clip), shapes)


def _changed(track: ObjectTrack, frames: Tensor, shapes: Tensor) -> Composite:
    return Composite(frames, track.objects, eroded(shapes, track.margin))
