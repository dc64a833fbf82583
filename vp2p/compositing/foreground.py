"""The foreground of an edit: one frame's new object, cut out to the pixel and put in the old one's place."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from vp2p.compositing.clean_plate import inpaint, seamless
from vp2p.compositing.matting import Known, matte
from vp2p.compositing.motion.affine import sample
from vp2p.compositing.shapes import dilated, opening
from vp2p.compositing.track import ObjectTrack

_PART = 0.1  # of the new object's largest part


@dataclass(frozen=True)
class Foreground:
    """What frame ``frame`` shows of an edit.

    ``picture`` is (3, H, W) in 0…255, ``alpha`` (H, W) in 0…1, how much of it is the object,
    ``below`` (3, H, W) the frame without the object, and ``spill`` by how much of the old object's
    area the new one's differs. ``shape``, bool (H, W), is where the object was found. An object that keeps its
    outline has the frame as the VAE returns it below. ``front``, bool (H, W), is where all this is not known, since
    something stands in front.
    """

    frame: int
    picture: Tensor
    alpha: Tensor
    below: Tensor
    spill: float
    shape: Tensor
    front: Tensor | None = None

    @property
    def planes(self) -> Tensor:
        """(7, H, W): the picture, its alpha and what is below."""
        return torch.cat([self.picture, self.alpha[None], self.below])


class Drawn(NamedTuple):
    """A frame as an edit drew it.

    ``picture`` is (3, H, W) in 0…255. ``mask`` (H, W) is where the edit could act. ``prior`` (H, W) is where the new
    object is likely to be seen; see :class:`vp2p.compositing.matting.Known`.
    """

    frame: int
    picture: Tensor
    mask: Tensor
    prior: Tensor | None = None


def find_foreground(track: ObjectTrack, drawn: Drawn, replaces: bool) -> Foreground:
    """The foreground of an edited frame.

    Args:
        replaces: whether one object stands for another; else it keeps its outline.
    """
    frame, picture = drawn.frame, drawn.picture
    old = track.objects[frame]
    prior = None if drawn.prior is None else drawn.prior[None]
    shape = edited_shapes(track, [frame], picture[None], drawn.mask[None], prior)[0]
    if not replaces:
        spill = float((shape ^ old).sum() / old.sum().clamp(min=1))
        cover = softened(track.altered[frame], track.margin)
        return Foreground(frame, picture, cover, track.vae_reconstruction[frame], spill, shape)
    covered, hole, around = dilated(shape[None], track.margin)[0], track.unseen[frame], track.emptied(frame)
    # Where the new object is, the picture tells nothing of the background beside it.
    background = inpaint(around.where(~hole, seamless(picture, hole | covered, around)), hole & covered)
    foreground = Foreground(frame, picture, softened(shape, track.margin), background, 0.0, shape)
    return dataclasses.replace(foreground, spill=_spill(foreground.alpha, old))


def edited_shapes(
    track: ObjectTrack, frames: list[int], pictures: Tensor, masks: Tensor, prior: Tensor | None = None
) -> Tensor:
    """The new objects of edited pictures (n, 3, H, W) of ``frames``, inside masks (n, H, W): bool (n, H, W)."""
    beside = ~track.objects[frames]
    samples, plate = (track.clip[frames], beside.float()), (track.vae_reconstruction[frames], beside)
    known = Known(samples, plate, math.inf, prior, drawn=True)
    found = matte(pictures, masks, known, parts=_PART)
    return dilated(found, track.margin)


def in_place(foreground: Foreground, track: ObjectTrack) -> Foreground:
    """The foreground moved and scaled to the old object's place: the same middle, and as large at its largest.

    An object at the frame's border, whose extent is not known, stays where it is.
    """
    shapes = torch.stack([track.objects[foreground.frame], foreground.alpha > 0.5])
    old, new = (_box(shape) for shape in opening(shapes, 2 * track.margin + 1))
    if old is None or new is None:
        return foreground
    scale = float((new[1] - new[0]).max() / (old[1] - old[0]).max())
    shift = (new[0] + new[1]) / 2 - scale * (old[0] + old[1]) / 2
    to = torch.cat([scale * torch.eye(2), shift[:, None]], dim=1).to(foreground.picture)
    taken, inside = sample(torch.cat([foreground.picture, foreground.alpha[None]]), to)
    alpha = (taken[3] * inside).clamp(0, 1)
    return dataclasses.replace(
        foreground, picture=taken[:3].clamp(0, 255), alpha=alpha, spill=_spill(alpha, track.objects[foreground.frame])
    )


def softened(shape: Tensor, margin: int) -> Tensor:
    """A shape, bool (H, W), as a cover that fades over its border."""
    side = 2 * max(1, margin // 2) + 1
    kernel = torch.ones(1, 1, side, side, device=shape.device) / side**2
    padded = torch.nn.functional.pad(shape.float()[None, None], (side // 2,) * 4, mode="replicate")
    return torch.nn.functional.conv2d(padded, kernel)[0, 0]


def not_behind(front: Tensor, margin: int) -> Tensor:
    """How much is seen beside what stands in front, bool (H, W): (H, W) in 0…1."""
    return 1 - softened(front, margin) * front  # it is known to the pixel: around it, all is seen


def _spill(alpha: Tensor, old: Tensor) -> float:
    """Which share of the old object's area the new one covers beside it."""
    return float((alpha * ~old).sum() / old.sum().clamp(min=1))


def _box(shape: Tensor) -> Tensor | None:
    """The first and the last corner (x, y) of a shape, bool (H, W), as (2, 2); None for no shape."""
    rows, columns = torch.where(shape)
    if not len(rows):
        return None
    corners = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    return torch.tensor([[float(value) for value in corner] for corner in corners])
