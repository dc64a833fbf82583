"""Which part of an old object each part of a new one stands for, by their outlines."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.motion.alignment import Array, after, between_boxes, blurred, moved
from vp2p.compositing.pixels import within
from vp2p.video.flow import dense_flow

_SIDE = 256  # pixels: larger outlines are made smaller
_WIDTHS = (1 / 32, 1 / 32, 1 / 64, 1 / 64)  # of smoothing, round by round, as parts of the longer side
_DEPTH = 1 / 10  # of the longer side: further inside or outside, all places are alike


def counterparts(new: Tensor, old: Tensor) -> Tensor:
    """The field (2, H, W), right and down, from the pixels of a new object to those of the old one they stand for.

    A head stands for a head, and paws for paws, where the outlines, bool (H, W), say so: their distance transforms are
    matched by optical flow, from the whole to its parts.
    """
    size = (new.shape[-2], new.shape[-1])
    if torch.equal(new, old):
        return torch.zeros(2, *size, device=new.device)
    small = within(size, _SIDE)
    shapes = interpolate(torch.stack([new, old])[None].float(), size=small, mode="area")[0] > 0.5
    one, other = shapes.cpu().numpy()
    field, longer = between_boxes(one, other), max(small)
    depths = [_depth(shape, _DEPTH * longer) for shape in (one, other)]
    weight = one + np.float32(0.01)
    for width in _WIDTHS:
        field = after(dense_flow(depths[0], moved(depths[1], field)), field)
        field = blurred(field * weight[..., None], width * longer) / blurred(weight, width * longer)[..., None]
    planes = torch.from_numpy(field).permute(2, 0, 1)[None]
    if small != size:
        planes = interpolate(planes, size=size, mode="bilinear")
    enlarged: Tensor = planes[0] * torch.tensor(size[::-1]).view(2, 1, 1) / torch.tensor(small[::-1]).view(2, 1, 1)
    return enlarged.to(new.device)


def _depth(shape: Array, most: float) -> Array:
    """How deep inside a shape (H, W) each pixel is, negative outside, float32 in -1…1."""
    inside, outside = (
        cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) for part in (shape, ~shape)
    )
    depth: Array = ((inside - outside) / most).clip(-1, 1).astype(np.float32)
    return depth
