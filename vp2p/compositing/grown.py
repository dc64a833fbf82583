"""An object from a point on it, by the clip's own colours: no network sees the clip.

GrabCut (Rother, Kolmogorov and Blake, 2004) tells the marked colours from those at the frame's edge. Optical flow
brings what it found to the next frame, where GrabCut draws the outline anew.
"""

from __future__ import annotations

from typing import NamedTuple, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from vp2p.compositing.pixels import rounded
from vp2p.compositing.shapes import dilated, eroded, fill_holes
from vp2p.video.fitting import within
from vp2p.video.flow import dense_flow, warp

_SIDE = 256  # pixels: larger pictures are made smaller
_MARK, _EDGE, _BAND = 0.03, 0.02, 0.04  # of the longer side: around a point, at the border, where an outline may move
_ROUNDS, _LATER = 5, 3
_MUCH = 0.5  # liker: of the distance to a mark on the object
_LEAST, _PART = 0.3, 0.1  # of what flow brought, below which GrabCut lost it; of the largest part


class Mark(NamedTuple):
    """A pixel (x, y) of a frame, counted from 0, that is the object's, or is not."""

    frame: int
    x: float
    y: float
    inside: bool


def grown(clip: Tensor, marks: Sequence[Mark]) -> Tensor:
    """Where the marked object is in every frame, coarsely: its outline may lack a rim of another colour.

    Args:
        clip: (F, 3, H, W) in 0…255.
        marks: at least one that is inside.

    Returns:
        bool (F, H, W), for :func:`vp2p.compositing.track.track_object` to outline.
    """
    height, width = clip.shape[-2:]
    size = within((height, width), _SIDE)
    small = torch.nn.functional.interpolate(clip, size, mode="area")
    pictures, scale = rounded(small), size[1] / width
    by_frame: dict[int, list[Mark]] = {}
    for frame, x, y, inside in marks:
        by_frame.setdefault(frame, []).append(Mark(frame, x * scale, y * scale, inside))
    found: dict[int, np.ndarray] = {}
    start = min(mark.frame for mark in marks if mark.inside)
    found[start] = _first(pictures[start], by_frame[start])
    for step, frames in ((1, range(start + 1, len(pictures))), (-1, range(start - 1, -1, -1))):
        for frame in frames:
            pair = pictures[frame - step], pictures[frame]
            found[frame] = _next(pair, found[frame - step], by_frame.get(frame, []))
    masks = torch.from_numpy(np.stack([found[frame] for frame in range(len(pictures))]))
    larger = torch.nn.functional.interpolate(masks[:, None].float(), (height, width), mode="bilinear")[:, 0] > 0.5
    return dilated(larger, _pixels(_BAND, height, width))


def _first(picture: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """What is marked in the first frame that has marks: it is not like the frame's edge."""
    height, width = picture.shape[:2]
    known = np.full((height, width), cv2.GC_PR_FGD, np.uint8)
    edge = _pixels(_EDGE, height, width)
    known[:edge] = known[-edge:] = known[:, :edge] = known[:, -edge:] = cv2.GC_BGD
    known[_nearer_to_others(picture, marks) & (known == cv2.GC_PR_FGD)] = cv2.GC_PR_BGD
    _put(known, marks)
    found = _cut(picture, known, _ROUNDS)
    return _filled(_connected(found, known == cv2.GC_FGD))


def _next(pair: tuple[np.ndarray, np.ndarray], before: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """What was found in the first of two pictures, in the second."""
    height, width = before.shape
    first, second = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in pair)
    flow = torch.from_numpy(dense_flow(second, first)).permute(2, 0, 1)[None]
    moved = warp(torch.from_numpy(before)[None, None].float(), flow)[0] > 0.5
    band = _pixels(_BAND, height, width)
    wide, narrow, here = (shape[0].numpy() for shape in (dilated(moved, band), eroded(moved, band), moved))
    known = np.full((height, width), cv2.GC_BGD, np.uint8)
    known[wide], known[here], known[narrow] = cv2.GC_PR_BGD, cv2.GC_PR_FGD, cv2.GC_FGD
    _put(known, marks)
    found = _cut(pair[1], known, _LATER)
    if found.sum() < _LEAST * here.sum():
        found = here
    return _filled(_connected(found, here | (known == cv2.GC_FGD)))


def _nearer_to_others(picture: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """Which pixels are much liker, in colour and place, to a mark beside the object than to one on it, bool (H, W)."""
    height, width = picture.shape[:2]
    lab = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), (0, 0), _MARK * max(height, width) / 2)
    features = np.dstack([lab.astype(np.float32) / 255, *np.indices((height, width), np.float32) / max(height, width)])
    nearest = {True: np.full((height, width), np.inf), False: np.full((height, width), np.inf)}
    for _, x, y, inside in marks:
        distance = np.linalg.norm(features - features[round(y), round(x)], axis=-1)
        nearest[inside] = np.minimum(nearest[inside], distance)
    nearer: np.ndarray = nearest[False] < _MUCH * nearest[True]
    return nearer


def _put(known: np.ndarray, marks: Sequence[Mark]) -> None:
    """Writes marks into what is known, as discs."""
    for _, x, y, inside in marks:
        place, radius = (round(x), round(y)), _pixels(_MARK, *known.shape)
        cv2.circle(known, place, radius, int(cv2.GC_FGD if inside else cv2.GC_BGD), -1)


def _cut(picture: np.ndarray, known: np.ndarray, rounds: int) -> np.ndarray:
    """Which pixels are the object's, bool (H, W): as it is known where one side has no colours to learn from."""
    belongs: np.ndarray = known % 2 == 1
    if belongs.all() or not belongs.any():
        return belongs
    cv2.setRNGSeed(0)  # its clustering begins at random
    cut, lab = known.copy(), cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    cv2.grabCut(lab, cut, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), rounds, cv2.GC_INIT_WITH_MASK)
    found: np.ndarray = cut % 2 == 1
    return found


def _connected(found: np.ndarray, to: np.ndarray) -> np.ndarray:
    """The parts of a shape that touch another, without crumbs."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    sizes = stats[:, cv2.CC_STAT_AREA].copy()
    touching = np.isin(np.arange(len(sizes)), labels[found & to])
    sizes[~touching] = 0
    sizes[0] = 0  # the background's
    kept: np.ndarray = ((sizes > 0) & (sizes >= _PART * sizes.max()))[labels]
    return kept


def _filled(shape: np.ndarray) -> np.ndarray:
    filled: np.ndarray = fill_holes(torch.from_numpy(shape)[None])[0].numpy()
    return filled


def _pixels(share: float, height: int, width: int) -> int:
    return max(1, round(share * max(height, width)))
