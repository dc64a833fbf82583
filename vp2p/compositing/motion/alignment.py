"""Alignment of an object that bends: the dense field by which one frame's object is found again in another.

Dense optical flow looks twice: at the object alone, in its own contrast, where its outline counts; and at the whole
picture. What comes of both is put together pixel by pixel, by what looks most like the object. It is smoothed inside
the outline at falling widths, so that parts move stiffly before they bend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import cv2
import numpy as np

from vp2p.compositing.robust import doubt
from vp2p.compositing.threads import side_by_side
from vp2p.video.flow import dense_flow

Array = np.ndarray  # a field is float32 (H, W, 2): from each pixel to its place in another frame, right and down

_NEIGHBOURHOOD = 1 / 26  # of the longer side: how far contrast is made even
_REACHES = (1 / 256, 1 / 128, 1 / 64, 1 / 32, 1 / 16)  # of the longer side: a field goes on so far beyond its object
_PATCH = 1 / 128  # of the longer side: what is compared at once
SPREAD = 45  # of 255: an object's standard deviation in its pictures
CONTRAST = 40  # of 255: the same of its local contrast
_DARK = 8.0  # of 255: the light of what is black is not known
_LIT = 1.1  # times as bright: less may be the pose's, which shows other parts
_CLIPPED = 80  # the same scale: more of a difference is no worse
_BENT = 10.0  # a field's gradient of 1 counts as so much difference
_PART = 1 / 32  # of the longer side: so large parts of an object move by themselves
_CLEARLY = 4.0  # of 45: less of a difference is noise
_BEYOND = 30.0  # pointing outside the object, the same
_ROUGH = 2.0  # pixels: what is smoothed over so many needs no exact flow
_AGREES = 30.0  # difference beyond which a pixel counts little in the smoothing


@dataclass(frozen=True)
class ObjectPictures:
    """An object's F pictures, made comparable.

    ``alone`` uint8 (F, H, W) is the object in its local contrast, on black; ``whole`` uint8 (F, H, W) the frame in the
    object's contrast; ``colours`` float32 (F, H, W, 3) are in 1/45 of the object's standard deviation; ``masks`` bool
    (F, H, W) say where it is. ``between`` holds the frames between each two, where there are any, as ``whole`` does.
    """

    alone: Array
    whole: Array
    colours: Array
    masks: Array
    between: Sequence[Array] = ()

    @classmethod
    def of(cls, clip: Array, masks: Array, between: Sequence[Array] = ()) -> ObjectPictures:
        """From frames (F, H, W, 3) in 0…255, and where the object is, bool (F, H, W).

        Args:
            between: the frames between each two (n, H, W, 3).
        """
        clip = clip.astype(np.float32)
        grey = clip.mean(-1)
        seen = grey[masks] if masks.any() else grey.ravel()
        middle, spread = float(seen.mean()), float(seen.std()) + 1.0  # of a flat object, noise is no contrast

        def contrast(grey: Array) -> Array:
            found: Array = (128 + SPREAD * (grey - middle) / spread).clip(0, 255).astype(np.uint8)
            return found

        clip = np.stack([frame * _exposure(one, mask, middle) for frame, one, mask in zip(clip, grey, masks)])
        alone = np.stack([_local_contrast(*one) for one in zip(grey, masks)])
        steps = [contrast(one.astype(np.float32).mean(-1)) for one in between]
        return cls(alone, contrast(grey), (clip - middle) / spread * SPREAD, masks, steps)

    def __len__(self) -> int:
        return len(self.masks)


def through(pictures: ObjectPictures, frame: int, to: int) -> Array:
    """The field of a frame to another through the frames between them, by dense optical flow alone."""
    step = 1 if to > frame else -1
    way = [pictures.whole[frame]]
    for at in range(frame, to, step):
        way += [*pictures.between[min(at, at + step)][::step], pictures.whole[at + step]]
    found = np.zeros((*pictures.masks.shape[1:], 2), np.float32)
    for one, other in zip(way, way[1:]):
        found = after(found, dense_flow(one, other))
    return found


def align(pictures: ObjectPictures, frame: int, to: int, starts: Sequence[Array], widths: Sequence[float]) -> Array:
    """The field from the object of ``frame`` to that of ``to``.

    Args:
        starts: fields to begin from, of which each pixel takes the best.
        widths: over which the field is smoothed, round by round, as parts of the longer side.
    """
    start = _best(pictures, frame, to, starts)
    if not widths:
        return start

    def seen_in(view: Array) -> Array:
        field = start
        for width in (width * _longer(start) for width in widths):
            step = dense_flow(view[frame], moved(view[to], field), exact=width < _ROUGH)
            field = _smoothed(pictures, frame, to, after(step, field), width)
        return field

    found = side_by_side(seen_in, (pictures.alone, pictures.whole))
    return _best(pictures, frame, to, [start, *found])


def settled(pictures: ObjectPictures, frame: int, to: int, smooth: Array, field: Array) -> Array:
    """A smooth field, but another one where that fits clearly better: what shows nothing moves as the whole."""
    mask, width = pictures.masks[frame].astype(np.float32), _PART * _longer(field)
    gained = _cost(pictures, frame, to, smooth) - _cost(pictures, frame, to, field)
    gained = blurred(gained * mask, width) / (blurred(mask, width) + 1e-3)
    found: Array = np.where((gained > _CLEARLY)[..., None], field, smooth)
    return found


def difference(pictures: ObjectPictures, frame: int, to: int, field: Array) -> Array:
    """How unlike the object's patches are, float32 (H, W), in 1/45 of its standard deviation."""
    apart = np.abs(pictures.colours[frame] - moved(pictures.colours[to], field)).mean(-1).clip(0, _CLIPPED)
    beyond = 1 - moved(pictures.masks[to].astype(np.float32), field)
    mask, width = pictures.masks[frame].astype(np.float32), _PATCH * _longer(field)
    near: Array = blurred((apart + _BEYOND * beyond) * mask, width) / (blurred(mask, width) + 1e-3)
    return near


def between_boxes(mask: Array, other: Array) -> Array:
    """The field that brings one mask's bounding box (H, W) onto another's, from middle to middle, as large as it is."""
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]].astype(np.float32)
    if not mask.any() or not other.any():
        return np.zeros((*mask.shape, 2), np.float32)
    (middle, size), (there, larger) = _box(mask), _box(other)
    scale = float(np.sqrt((larger / size).prod()))
    x, y = there[0] + (columns - middle[0]) * scale, there[1] + (rows - middle[1]) * scale
    return np.dstack([x - columns, y - rows]).astype(np.float32)


def moved(picture: Array, field: Array) -> Array:
    """``picture(x + field(x))`` by bilinear sampling; beyond the border its nearest pixel."""
    rows, columns = np.mgrid[: field.shape[0], : field.shape[1]].astype(np.float32)
    found: Array = cv2.remap(
        picture, columns + field[..., 0], rows + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return found


def after(first: Array, second: Array) -> Array:
    """The field that goes by ``first``, and from there by ``second``."""
    total: Array = first + moved(second, first)
    return total


def extended(field: Array, mask: Array) -> Array:
    """A field that goes on smoothly beyond a mask, bool (H, W), as its rim does; far from it, it fades to 0."""
    known = mask.astype(np.float32)
    found, done = np.where(mask[..., None], field, 0).astype(np.float32), mask.copy()
    for width in _REACHES:
        weight = blurred(known, width * _longer(field))
        reached = (weight > 0.02) & ~done
        near = blurred(field * known[..., None], width * _longer(field))
        found[reached] = near[reached] / weight[reached][:, None]
        done |= reached
    return found


def blurred(plane: Array, width: float) -> Array:
    """A plane, or several, (H, W) or (H, W, n), under a Gaussian of so many pixels."""
    found: Array = cv2.GaussianBlur(np.ascontiguousarray(plane, np.float32), (0, 0), max(width, 0.3))
    return found


def _best(pictures: ObjectPictures, frame: int, to: int, fields: Sequence[Array]) -> Array:
    """Of several fields the one that fits best, pixel by pixel."""
    if len(fields) == 1:
        return fields[0]
    costs = [_cost(pictures, frame, to, field) for field in fields]
    chosen = np.stack(costs).argmin(0)
    best: Array = np.take_along_axis(np.stack(fields), chosen[None, ..., None], 0)[0]
    return best


def _cost(pictures: ObjectPictures, frame: int, to: int, field: Array) -> Array:
    """How badly a field fits, and how much it bends: (H, W)."""
    bent = blurred(_gradient(field), _PATCH * _longer(field))
    found: Array = difference(pictures, frame, to, field) + _BENT * bent
    return found


def _smoothed(pictures: ObjectPictures, frame: int, to: int, field: Array, width: float) -> Array:
    """A field averaged inside the object, where it fits."""
    grey = pictures.alone[frame].astype(np.float32) - moved(pictures.alone[to], field).astype(np.float32)
    apart = blurred(grey**2, _PATCH * _longer(field))
    weight = pictures.masks[frame] / doubt(apart / _AGREES**2)
    total = blurred(weight.astype(np.float32), width)
    mean = blurred((field * weight[..., None]).astype(np.float32), width) / np.maximum(total, 1e-6)[..., None]
    return np.where((total > 1e-4)[..., None], mean, field).astype(np.float32)


def _exposure(grey: Array, mask: Array, middle: float) -> float:
    """By what to multiply a frame (H, W) for its object to be as bright as in all frames together."""
    mean = float(grey[mask].mean()) if mask.any() else middle
    ratio = (middle + _DARK) / (mean + _DARK)
    return ratio if max(ratio, 1 / ratio) > _LIT else 1.0


def _local_contrast(grey: Array, mask: Array) -> Array:
    known, width = mask.astype(np.float32), _NEIGHBOURHOOD * _longer(grey)
    weight = blurred(known, width) + 1e-3
    middle = blurred(grey * known, width) / weight
    spread = np.sqrt(np.maximum(blurred((grey - middle) ** 2 * known, width) / weight, 1))
    contrast = ((grey - middle) / spread).clip(-2.5, 2.5)
    return np.where(mask, 140 + CONTRAST * contrast, 0).astype(np.uint8)


def _gradient(field: Array) -> Array:
    across, down = np.gradient(field, axis=(1, 0))
    size: Array = np.sqrt((across**2 + down**2).sum(-1)).clip(0, 2)
    return size


def _box(mask: Array) -> tuple[Array, Array]:
    """The middle of a mask's bounding box, and its sides."""
    rows, columns = np.nonzero(mask)
    low = np.array([columns.min(), rows.min()], np.float32)
    high = np.array([columns.max() + 1, rows.max() + 1], np.float32)
    return (low + high - 1) / 2, high - low


def _longer(plane: Array) -> int:
    return int(max(plane.shape[:2]))
