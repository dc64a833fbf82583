"""An edit's layers on a frame of the clip's own size: what lies outside of them stays as it is, to the bit."""

from __future__ import annotations

from typing import Any, Callable

import cv2
import numpy as np
import torch
from torch import Tensor

from vp2p.compositing.between import EditLayers
from vp2p.compositing.detail import colour_change, recoloured

_LEAST = 1 / 255  # of a cover: less changes no colour
_BESIDE = 2  # pixels around the cover that enlarging may reach
Array = np.ndarray[Any, np.dtype[Any]]


def enlarged(layers: EditLayers, picture: Array, fitted: Array) -> Array:
    """The edited frame at the clip's own size, uint8 (H', W', 3).

    The new object and the background are enlarged. An object that keeps its outline is changed along the clip's own
    edges instead: see :mod:`vp2p.compositing.detail`.

    Args:
        layers: at the model's size.
        picture: the clip's own frame, uint8 (H', W', 3).
        fitted: the matrix (2, 3) from its pixels to the layers'.
    """
    alpha, bared = (plane.cpu().numpy().astype(np.float32) for plane in (layers.cover, layers.bared))
    rows, columns = _window(np.maximum(alpha, bared) > 0, picture.shape[:2], fitted)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    if min(size) <= 0:
        return picture
    there = fitted.astype(np.float64)
    there = np.column_stack([there[:, :2], there @ [columns.start, rows.start, 1]])

    def large(planes: Array) -> Array:
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        found: Array = cv2.warpAffine(planes, there, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return found

    own: Array = picture[rows, columns].astype(np.float32)
    shown = _shown(there, size, alpha.shape)
    cover, off = ((large(plane).clip(0, 1) * shown)[..., None] for plane in (alpha, bared))
    if layers.keeps:
        edited = _along_edges(layers, own, large)
    else:
        own = own + off * (large(_image(layers.background)) - own)
        edited = large(_image(layers.picture))
    changed = np.maximum(cover, off)[..., 0] > _LEAST
    found: Array = picture.copy()
    found[rows, columns][changed] = (own + cover * (edited - own)).round().clip(0, 255).astype(np.uint8)[changed]
    return found


def _along_edges(layers: EditLayers, own: Array, large: Callable[[Array], Array]) -> Array:
    """What makes of a clip's colours its edit's, done to its ``own`` large picture (h, w, 3).

    What the clip's colours do not tell, as of a new texture, is enlarged.
    """
    edited = layers.clip.where(layers.front, layers.picture)
    gains = colour_change(layers.clip, edited)
    rest = edited - recoloured(layers.clip, gains)
    turned = torch.from_numpy(np.stack([large(_image(row)) for row in gains])).permute(0, 3, 1, 2)
    found = recoloured(torch.from_numpy(own).permute(2, 0, 1), turned)
    return _image(found) + large(_image(rest))


def _window(cover: Array, size: tuple[int, ...], fitted: Array) -> tuple[slice, slice]:
    """Rows and columns of a large frame in which all of a cover, bool (h, w), lies."""
    sides = []
    for row, length in ((1, size[0]), (0, size[1])):  # of the matrix: y, then x
        places = np.flatnonzero(cover.any(row))
        if not len(places):
            return slice(0, 0), slice(0, 0)
        ends = (np.array([places[0] - _BESIDE, places[-1] + _BESIDE]) - fitted[row, 2]) / fitted[row, row]
        sides.append(slice(max(0, int(ends[0])), min(length, int(ends[1]) + 1)))
    return sides[0], sides[1]


def _shown(there: Array, size: tuple[int, int], small: tuple[int, ...]) -> Array:
    """Which pixels of a large part the model saw, bool (h, w): a crop left the others out."""
    seen = []
    for row, length in enumerate(size):
        place = np.arange(length) * there[row, row] + there[row, 2]
        seen.append((place >= -0.5) & (place <= small[1 - row] - 0.5))
    found: Array = seen[1][:, None] & seen[0]
    return found


def _image(planes: Tensor) -> Array:
    """(3, H, W) as float32 (H, W, 3)."""
    found: Array = np.ascontiguousarray(planes.permute(1, 2, 0).float().cpu().numpy())
    return found
