"""Carrying an edit along the clip's motion, so that the new object keeps one look.

Each frame's edit is a guess of its own, and the guesses differ. So one look is laid over all frames as the clip
moves there, on the clip's own pixels; what the old object hid is the ground as other frames show it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.method.changed import Changed
from vp2p.method.look import Look, edited_shapes, softened
from vp2p.method.motion import sample
from vp2p.method.plate import filled_in
from vp2p.method.shot import Shot, with_margin


def carried(shot: Shot, look: Look, edited: Tensor, replaces: bool) -> Changed:
    """All frames with the look; a frame whose motion is not known has its own edit.

    Args:
        edited: (F, 3, H, W), each frame's own edit.
    """
    shapes = _shapes(shot, edited, replaces)
    frames = list(_pasted(shot, shapes, edited, replaces))
    key = torch.cat([look.picture, look.cover[None], look.ground])
    for frame in range(len(frames)):
        if not shot.follows(frame):
            continue
        seen, inside = key, torch.ones_like(look.cover, dtype=torch.bool)
        if frame != look.frame:
            seen, inside = sample(key, shot.motion.between(frame, look.frame))
        picture, cover, ground = seen.split([3, 1, 3])
        cover = cover.clamp(0, 1) * inside
        if replaces:
            old = softened(shot.objects[frame], shot.margin)
            hidden = shot.ground[frame].where(shot.known[frame], ground)
            base = shot.clip[frame] + old * (hidden - shot.clip[frame])
            base = filled_in(base, shot.objects[frame] & ~shot.known[frame] & ~inside)
            shapes[frame] = cover[0] > 0.5
        else:
            base, cover = frames[frame], cover * softened(shot.altered[frame], shot.margin)
        frames[frame] = base + cover * (picture - base)
    return _changed(shot, torch.stack(frames).clamp(0, 255), shapes)


def pasted(shot: Shot, edited: Tensor, replaces: bool) -> Changed:
    """Each frame's own edit (F, 3, H, W), with the clip's own pixels outside the old object and the new one."""
    shapes = _shapes(shot, edited, replaces)
    return _changed(shot, _pasted(shot, shapes, edited, replaces), shapes)


def _shapes(shot: Shot, edited: Tensor, replaces: bool) -> Tensor:
    """Where the frames' own edits show the new object, a margin included: bool (F, H, W)."""
    if not replaces:
        return shot.objects
    return edited_shapes(shot, list(range(len(edited))), edited, shot.loose)


def _pasted(shot: Shot, shapes: Tensor, edited: Tensor, replaces: bool) -> Tensor:
    covered = shot.objects | shapes if replaces else shot.altered
    cover = torch.stack([softened(shape, shot.margin) for shape in covered])[:, None]
    return shot.clip + cover * (edited - shot.clip)


def _changed(shot: Shot, frames: Tensor, shapes: Tensor) -> Changed:
    return Changed(frames, shot.objects, ~with_margin(~shapes, shot.margin))
