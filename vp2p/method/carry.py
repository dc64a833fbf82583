"""Carrying an edit along the clip's motion, so that the new object keeps one look.

Each frame's edit is a guess of its own, and the guesses differ. So one look is laid over all frames as the clip
moves there, on the clip's own pixels; what the old object hid is the ground as other frames show it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.method.look import Look, edited_shapes, softened
from vp2p.method.motion import sample
from vp2p.method.plate import filled_in
from vp2p.method.shot import Shot, with_margin


def carried(shot: Shot, look: Look, edited: Tensor, replaces: bool) -> Tensor:
    """All frames with the look, (F, 3, H, W) in 0…255; a frame whose motion is not known has its own edit.

    Args:
        edited: (F, 3, H, W), each frame's own edit.
    """
    frames = list(pasted(shot, edited, replaces))
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
        else:
            base, cover = frames[frame], cover * softened(shot.altered[frame], shot.margin)
        frames[frame] = base + cover * (picture - base)
    return torch.stack(frames).clamp(0, 255)


def new_objects(shot: Shot, look: Look | None, edited: Tensor, replaces: bool) -> Tensor:
    """Where the object is in frames :func:`carried`, or :func:`pasted` without a look: bool (F, H, W), no margin."""
    if not replaces:
        shapes = shot.objects
    else:
        shapes = edited_shapes(shot, list(range(len(edited))), edited, shot.loose)
        for frame in range(len(shapes)):
            if look is not None and shot.follows(frame):
                seen, inside = sample(look.cover[None], shot.motion.between(frame, look.frame))
                shapes[frame] = (seen[0] > 0.5) & inside
    return ~with_margin(~shapes, shot.margin)


def pasted(shot: Shot, edited: Tensor, replaces: bool) -> Tensor:
    """Each frame's own edit, (F, 3, H, W), with the clip's own pixels outside the old object and the new one."""
    shapes = shot.altered
    if replaces:
        shapes = shot.objects | edited_shapes(shot, list(range(len(edited))), edited, shot.loose)
    cover = torch.stack([softened(shape, shot.margin) for shape in shapes])[:, None]
    return shot.clip + cover * (edited - shot.clip)
