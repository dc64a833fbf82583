"""Light: by how much one frame is brighter than another, from place to place, as shadows and exposure change."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.pixels import with_neighbours
from vp2p.compositing.robust import doubt
from vp2p.video.fitting import within

_SIDE = 64  # pixels: light is smooth, and found in small pictures
_WIDTHS = (1 / 3, 1 / 8)  # of the longer side, over which it is averaged: the wider where the narrower sees nothing
_SEEN = 0.05  # share of a place's surroundings that must be seen for it to have a light of its own
_DARK = 4.0  # of 255: the light of what is black is not known
_ROUNDS, _APART = 3, 16.0  # of 255: what differs more is another thing, and is left out
_MOST = 2.0  # times as bright: more is another thing


def light(picture: Tensor, like: Tensor, where: Tensor) -> Tensor:
    """By what to multiply a picture (3, H, W) in 0…255 for the light of another: (1, H, W).

    Args:
        where: bool (H, W), where both show the same thing.
    """
    size = (picture.shape[-2], picture.shape[-1])
    small = within(size, _SIDE)
    grey = torch.stack([picture.mean(0), like.mean(0)]) * where
    planes = interpolate(torch.cat([grey, where[None].to(grey)])[None], size=small, mode="area")[0].cpu().numpy()
    is_now, wanted, seen = planes
    found, weight = np.ones(small, np.float32), np.ones(small, np.float32)
    for _ in range(_ROUNDS):
        found = np.ones(small, np.float32)
        for width in _WIDTHS:
            dark, bright, known = (
                cv2.GaussianBlur(plane * weight, (0, 0), width * max(small)) for plane in (is_now, wanted, seen)
            )
            ratio = (bright + _DARK * known + 1e-6) / (dark + _DARK * known + 1e-6)
            found += known / (known + _SEEN) * (ratio - found)
        apart = np.abs(wanted - is_now * found) / np.maximum(seen, 1e-3)
        weight = (1 / doubt((apart / _APART) ** 2)).astype(np.float32)
    gain = torch.from_numpy(found.clip(1 / _MOST, _MOST))[None, None]
    return interpolate(gain, size=size, mode="bilinear")[0].to(picture)


def shading(pictures: Tensor, like: Tensor, reach: int) -> Tensor:
    """By what to multiply pictures (F, 3, H, W) in 0…255 for the light of others at each place: (F, 1, H, W).

    Other than :func:`light`, it follows a shadow's edge, and takes a thing that is as grey as its background for one.

    Args:
        reach: pixels around each, over which it is averaged.
    """
    is_now, wanted = (with_neighbours(one.mean(1), reach) for one in (pictures, like))
    return ((wanted + _DARK) / (is_now + _DARK)).clamp(1 / _MOST, _MOST)[:, None]
