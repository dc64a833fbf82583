"""Takes off an object's outlines what touches it in some frames only, such as a post that it passes, or its shadow.

Two things must agree. The model's attention sees much less of a part, and the motion tells that it is another's. For
that, a similarity by which most of the object moves leaves it outside the outline of a clear frame; what bends stays
near that outline. Or the frames that show the object hardly show the part.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from vp2p.compositing.motion.affine import grid
from vp2p.compositing.motion.protocol import Motion
from vp2p.compositing.pixels import from_colours
from vp2p.compositing.shapes import dilated, opening, parts_of

_AROUND = 1 / 20  # of the longer side: so far beyond the outline, what bends may be
_LEAST = 0.1  # of an outline's area: less is the object's own, bent
# Of the rest's mean attention. Drawn posts, mushrooms and shadows had 0.26 to 0.60, muzzles and wings 0.61 to 0.64.
_UNSEEN = 0.6
_CERTAIN, _OFF = 0.3, 1 / 50  # of a field's certainty; of the longer side
_FOLLOW, _POINTS = 0.15, 20  # share of the points, and how many, that must agree on a similarity
# Of the object's usual familiarity: what a pixel and what a whole part has at most that other frames hardly show. Drawn
# posts and mushrooms had 0.07 to 0.30, and thin legs, which are followed less exactly, 0.38.
_NEW, _STRANGE = 0.6, 1 / 3
_AGAIN = 0.05  # of an outline's area: less of a thing that is known from another frame is noise
_COLOURS, _ALIKE = 128, 20.0  # that a thing is known by; and of 255, how far a pixel's may be from the nearest


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
        if beyond.sum() >= _LEAST * shape.sum() and _unseen(prior[frame], beyond, rest):
            found[frame] = beyond
    return found


def what_is_strange(objects: Tensor, clip: Tensor, prior: Tensor, familiar: Tensor, margin: int) -> Tensor:
    """What is not the object's in its outlines, bool (F, H, W), as other frames hardly show it, and attention neither.

    Attention is too coarse for the piece of a post that lies upon the object. So what is found is looked for by its
    colours among all that is hardly shown.

    Args:
        clip: (F, 3, H, W) in 0…255.
        prior: (F, H, W), how much the model's attention sees the object.
        familiar: (F, H, W) or (F, 1, 1); see :class:`vp2p.compositing.motion.protocol.Motion`.
        margin: in pixels; what is thinner than twice as much is a rim.
    """
    familiar = familiar.to(prior).expand_as(prior)
    new, things = torch.zeros_like(objects), torch.zeros_like(objects)
    for frame, shape in enumerate(objects):
        if not bool(shape.any()):
            continue
        usual = familiar[frame][shape].median()
        new[frame] = shape & (familiar[frame] < _NEW * usual)
        for part in parts_of(opening(new[[frame]], 2 * margin + 1)[0]):
            strange = familiar[frame][part].mean() < _STRANGE * usual and part.sum() >= _LEAST * shape.sum()
            if strange and _unseen(prior[frame], part, shape & ~new[frame]):
                things[frame] |= part
    return _again(new, clip, clip.movedim(1, -1)[things], margin) if bool(things.any()) else things


def _unseen(prior: Tensor, part: Tensor, rest: Tensor) -> bool:
    """Whether attention (H, W) sees much less of a part, bool (H, W), than of the rest."""
    return bool(rest.any()) and bool(prior[part].mean() < _UNSEEN * prior[rest].mean())


def _again(new: Tensor, clip: Tensor, colours: Tensor, margin: int) -> Tensor:
    """The parts of ``new`` (F, H, W) that have colours (n, 3) of things, bool (F, H, W)."""
    found = torch.zeros_like(new)
    for frame, shape in enumerate(new):
        alike = torch.zeros_like(shape)
        alike[shape] = from_colours(clip[frame][:, shape].T, colours, _COLOURS) < _ALIKE
        for part in parts_of(opening(alike[None], 2 * margin + 1)[0]):
            if part.sum() >= _AGAIN * shape.sum():
                found[frame] |= part
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
