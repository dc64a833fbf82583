"""The look of an edit: one frame's new object as a layer, cut out to the pixel and put in the old one's place."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vp2p.method.matte import matte, thick
from vp2p.method.motion import sample
from vp2p.method.plate import filled_in
from vp2p.method.shot import Shot, with_margin

_PART = 0.1  # of the new object's largest part


@dataclass(frozen=True)
class Look:
    """What frame ``frame`` shows of an edit.

    ``picture`` is (3, H, W) in 0…255, ``cover`` (H, W) in 0…1, how much of it is the object,
    ``ground`` (3, H, W) the frame without the object, and ``misfit`` by how much of the old object's
    area the new one's differs. ``shape``, bool (H, W), is where the object was found.
    """

    frame: int
    picture: Tensor
    cover: Tensor
    ground: Tensor
    misfit: float
    shape: Tensor


def find_look(shot: Shot, frame: int, picture: Tensor, mask: Tensor, replaces: bool) -> Look:
    """The look of an edited picture (3, H, W).

    Args:
        mask: (H, W), where the edit could act.
        replaces: whether one object stands for another; else it keeps its outline.
    """
    old, clip = shot.objects[frame], shot.clip[frame]
    shape = edited_shapes(shot, [frame], picture[None], mask[None])[0]
    if not replaces:
        misfit = float((shape ^ old).sum() / old.sum().clamp(min=1))
        return Look(
            frame, picture, softened(shot.altered[frame], shot.margin), clip.where(~old, picture), misfit, shape
        )
    seen = ~with_margin(shape[None], shot.margin)[0]
    ground = clip.where(~old, shot.ground[frame].where(shot.known[frame], picture))
    ground = filled_in(ground, old & ~shot.known[frame] & ~seen)
    look = Look(frame, picture, softened(shape, shot.margin), ground, 0.0, shape)
    return dataclasses.replace(look, misfit=_spill(look.cover, old))


def edited_shapes(shot: Shot, frames: list[int], pictures: Tensor, masks: Tensor) -> Tensor:
    """The new objects of edited pictures (n, 3, H, W) of ``frames``, inside masks (n, H, W): bool (n, H, W)."""
    beside = ~shot.objects[frames]
    ground = shot.clip[frames], beside.float()
    found = matte(pictures, masks, ground, (shot.by_vae[frames], beside), differs=math.inf, parts=_PART)
    return with_margin(found, shot.margin)


def in_place(look: Look, shot: Shot) -> Look:
    """The look moved and scaled to the old object's place: the same middle, and as large at its largest.

    An object at the frame's border, whose extent is not known, stays where it is.
    """
    shapes = torch.stack([shot.objects[look.frame], look.cover > 0.5])
    old, new = (_box(shape) for shape in thick(shapes, 2 * shot.margin + 1))
    if old is None or new is None:
        return look
    scale = float((new[1] - new[0]).max() / (old[1] - old[0]).max())
    shift = (new[0] + new[1]) / 2 - scale * (old[0] + old[1]) / 2
    to = torch.cat([scale * torch.eye(2), shift[:, None]], dim=1).to(look.picture)
    taken, inside = sample(torch.cat([look.picture, look.cover[None]]), to)
    cover = (taken[3] * inside).clamp(0, 1)
    return dataclasses.replace(
        look, picture=taken[:3].clamp(0, 255), cover=cover, misfit=_spill(cover, shot.objects[look.frame])
    )


def softened(shape: Tensor, margin: int) -> Tensor:
    """A shape, bool (H, W), as a cover that fades over its border."""
    side = 2 * max(1, margin // 2) + 1
    kernel = torch.ones(1, 1, side, side, device=shape.device) / side**2
    padded = torch.nn.functional.pad(shape.float()[None, None], (side // 2,) * 4, mode="replicate")
    return torch.nn.functional.conv2d(padded, kernel)[0, 0]


def _spill(cover: Tensor, old: Tensor) -> float:
    """Which share of the old object's area the new one covers beside it."""
    return float((cover * ~old).sum() / old.sum().clamp(min=1))


def _box(shape: Tensor) -> Tensor | None:
    """The first and the last corner (x, y) of a shape, bool (H, W), as (2, 2); None for no shape."""
    rows, columns = torch.where(shape)
    if not len(rows):
        return None
    corners = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    return torch.tensor([[float(value) for value in corner] for corner in corners])
