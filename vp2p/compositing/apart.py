"""Takes off an object's outlines what touches it in some frames only, such as a post that it passes, or its shadow.

Two things must agree. A similarity by which most of the object moves leaves a part outside the outline of a clear
frame; and the model's attention sees much less there. What bends stays near that outline, and is seen.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from vp2p.compositing.motion.affine import grid
from vp2p.compositing.motion.protocol import Motion
from vp2p.compositing.shapes import dilated

_AROUND = 1 / 20  # of the longer side: so far beyond the outline, what bends may be
_LEAST = 0.1  # of an outline's area: less is the object's own, bent
_UNSEEN = 0.65  # of the rest's mean attention; drawn posts, mushrooms and shadows had 0.39 to 0.57
_CERTAIN, _OFF = 0.3, 1 / 50  # of a field's certainty; of the longer side
_FOLLOW, _POINTS = 0.15, 20  # share of the points, and how many, that must agree on a similarity


def what_touches(objects: Tensor, prior: Tensor, motion: Motion, key: int) -> Tensor:
    """What is not the object's in its outlines, bool (F, H, W), as far as it lies beyond the object.

    Args:
        prior: (F, H, W), how much the model's attention sees the object.
        motion: the object's.
        key: a frame in which the outline is clear.
    """
    longer, found = max(objects.shape[-2:]), torch.zeros_like(objects)
    for frame in range(len(objects)):
        shape = objects[frame]
        matrix = None if frame == key else _similarity(objects, motion, key, frame)
        if matrix is None:
            continue
        moved = cv2.warpAffine(objects[key].to(torch.uint8).cpu().numpy(), matrix, (shape.shape[1], shape.shape[0]))
        room = dilated(torch.from_numpy(moved > 0)[None], round(_AROUND * longer))[0].to(shape.device)
        beyond, rest = shape & ~room, shape & room
        if beyond.sum() < _LEAST * shape.sum() or not bool(rest.any()):
            continue
        if prior[frame][beyond].mean() < _UNSEEN * prior[frame][rest].mean():
            found[frame] = beyond
    return found


def _similarity(objects: Tensor, motion: Motion, key: int, frame: int) -> np.ndarray | None:
    """(2, 3), from pixels of ``key`` to those of ``frame``, that most of what is followed agrees on, by RANSAC."""
    size = (objects.shape[-2], objects.shape[-1])
    certain = motion.certainty(key, frame).expand(size).to(objects.device) > _CERTAIN
    rows, columns = torch.nonzero(objects[frame] & certain, as_tuple=True)
    here = torch.stack([columns, rows], 1).float()
    there = here + motion.field(key, frame, grid(size, objects.device))[:, rows, columns].T
    at = there.round().long()
    inside = objects[key][at[:, 1].clamp(0, size[0] - 1), at[:, 0].clamp(0, size[1] - 1)]
    here, there = here[inside], there[inside]
    if len(here) < _POINTS:
        return None
    matrix, follow = cv2.estimateAffinePartial2D(
        there.cpu().numpy(), here.cpu().numpy(), method=cv2.RANSAC, ransacReprojThreshold=_OFF * max(size)
    )
    if matrix is None or float(np.mean(follow)) < _FOLLOW:
        return None
    found: np.ndarray = matrix
    return found
