"""Propagates one foreground over all frames along the clip's motion, on the clip's own pixels.

Each frame's edit is a guess of its own, and the guesses differ. What the old object hid is the background as other
frames show it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.compositing.clean_plate import inpaint
from vp2p.compositing.composite import Composite
from vp2p.compositing.foreground import Foreground, edited_shapes, softened
from vp2p.compositing.shapes import dilated
from vp2p.compositing.track import ObjectTrack


def propagate(track: ObjectTrack, foreground: Foreground, edited: Tensor, replaces: bool) -> Composite:
    """All frames with the foreground; a frame whose motion is not known has its own edit.

    Args:
        edited: (F, 3, H, W), each frame's own edit.
    """
    shapes = _shapes(track, edited, replaces)
    frames = list(_paste(track, shapes, edited, replaces))
    key = torch.cat([foreground.picture, foreground.alpha[None], foreground.background])
    for frame in range(len(frames)):
        if not track.follows(frame):
            continue
        seen, inside = key, torch.ones_like(foreground.alpha, dtype=torch.bool)
        if frame != foreground.frame:
            seen, inside = track.motion.warp(key, foreground.frame, frame)
        picture, alpha, background = seen.split([3, 1, 3])
        alpha = alpha.clamp(0, 1) * inside
        if replaces:
            old = softened(track.objects[frame], track.margin)
            hidden = track.background[frame].where(track.known[frame], background)
            base = track.clip[frame] + old * (hidden - track.clip[frame])
            base = inpaint(base, track.objects[frame] & ~track.known[frame] & ~inside)
            shapes[frame] = alpha[0] > 0.5
        else:
            base, alpha = frames[frame], alpha * softened(track.altered[frame], track.margin)
        frames[frame] = base + alpha * (picture - base)
    return _changed(track, torch.stack(frames).clamp(0, 255), shapes)


def paste(track: ObjectTrack, edited: Tensor, replaces: bool) -> Composite:
    """Each frame's own edit (F, 3, H, W), with the clip's own pixels outside the old object and the new one."""
    shapes = _shapes(track, edited, replaces)
    return _changed(track, _paste(track, shapes, edited, replaces), shapes)


def _shapes(track: ObjectTrack, edited: Tensor, replaces: bool) -> Tensor:
    """Where the frames' own edits show the new object, a margin included: bool (F, H, W)."""
    if not replaces:
        return track.objects
    return edited_shapes(track, list(range(len(edited))), edited, track.coarse_mask)


def _paste(track: ObjectTrack, shapes: Tensor, edited: Tensor, replaces: bool) -> Tensor:
    covered = track.objects | shapes if replaces else track.altered
    alpha = torch.stack([softened(shape, track.margin) for shape in covered])[:, None]
    return track.clip + alpha * (edited - track.clip)


def _changed(track: ObjectTrack, frames: Tensor, shapes: Tensor) -> Composite:
    return Composite(frames, track.objects, ~dilated(~shapes, track.margin))
