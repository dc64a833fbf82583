"""The motion along which a foreground was propagated, on a coarse grid: kept with an edit, for people to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.motion.affine import grid, resizing, transform
from vp2p.compositing.track import ObjectTrack
from vp2p.video.fitting import within

_CELLS = 24  # of the grid's longer side
_SHARP = 3  # power of the certainty: a surer key frame takes nearly all of a pixel
_FAR = 0.75  # a key frame that is one frame further away counts half as much


@dataclass(frozen=True)
class FollowedMotion:
    """How an object was followed in F frames, on a grid of h x w cells with at most 24 on a side.

    All frames were made of the ``keys``; the ``hard`` ones could not well be followed from them. ``nearest``, int64
    (F,), is the key frame that counts most in each frame. ``field``, float32 (F, 2, h, w), leads from a frame's cells
    to their places in that key frame, in pixels right and down. ``certainty`` says how certain that is, and ``mask``
    how much of a cell is the object: both float32 (F, h, w) in 0…1.
    """

    keys: tuple[int, ...]
    hard: tuple[int, ...]
    nearest: np.ndarray
    field: np.ndarray
    certainty: np.ndarray
    mask: np.ndarray

    def __post_init__(self) -> None:
        """Raises ValueError where the parts do not fit together, as in a damaged file."""
        frames, *size = self.mask.shape
        fits = self.nearest.shape == (frames,) and self.field.shape == (frames, 2, *size)
        told = {*self.keys, *self.hard, *self.nearest.tolist()}
        if not fits or len(size) != 2 or self.certainty.shape != self.mask.shape or not told <= set(range(frames)):
            raise ValueError("the parts of a motion do not fit together")


def followed_motion(track: ObjectTrack, keys: Sequence[int]) -> FollowedMotion:
    """The motion of a track's object to its key frames."""
    whole = track.objects.shape[-2:]
    size = within((whole[0], whole[1]), _CELLS)
    points = transform(resizing(size, (whole[0], whole[1])).to(track.clip), grid(size, track.clip.device))
    reach, nearest, fields, certainties = track.motion.reach, [], [], []
    for frame in range(len(track.clip)):
        key = max(keys, key=lambda key: (key == frame, float(weight(reach[key, frame], key - frame))))
        nearest.append(key)
        fields.append(track.motion.field(key, frame, points))
        certain = torch.ones(()) if key == frame else track.motion.certainty(key, frame)
        certainties.append(_on_grid(certain.expand(whole), size))
    return FollowedMotion(
        tuple(sorted(keys)),
        tuple(track.hard_frames(list(keys))),
        np.array(nearest),
        torch.stack(fields).float().cpu().numpy(),
        torch.stack(certainties).cpu().numpy(),
        torch.stack([_on_grid(shape, size) for shape in track.objects]).cpu().numpy(),
    )


def key_frames(motions: Iterable[FollowedMotion]) -> tuple[int, ...]:
    """The key frames of all of these, in order."""
    return tuple(sorted({key for motion in motions for key in motion.keys}))


def hard_frames(motions: Iterable[FollowedMotion]) -> tuple[int, ...]:
    """The frames of all of these that were hard to follow, in order."""
    return tuple(sorted({frame for motion in motions for frame in motion.hard}))


def weight(certainty: Tensor, apart: int) -> Tensor:
    """How much a key frame counts for what is so certain, in a frame that is ``apart`` from it."""
    return certainty.clamp(min=0.01) ** _SHARP * math.exp(-_FAR * abs(apart))


def _on_grid(plane: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(plane[None, None].float(), size=size, mode="area")[0, 0].clamp(0, 1)
