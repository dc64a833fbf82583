"""Morphology of shapes: bool (F, H, W), each frame by itself."""

from __future__ import annotations

from typing import Callable

import cv2
import numpy as np
import torch
from scipy import ndimage
from torch import Tensor


def dilated(shapes: Tensor, margin: int) -> Tensor:
    """Shapes drawn wider by ``margin`` pixels on every side."""
    return _each(shapes, lambda shape: cv2.dilate(shape, _square(2 * margin + 1)))


def eroded(shapes: Tensor, margin: int) -> Tensor:
    """Shapes drawn narrower by ``margin`` pixels on every side."""
    return ~dilated(~shapes, margin)


def opening(shapes: Tensor, least: int) -> Tensor:
    """Shapes without what is not wider than about ``least`` pixels, such as a line of the background."""
    square = _square(2 * (least // 2) + 1)
    return _each(shapes, lambda shape: cv2.dilate(cv2.erode(shape, square), square) & shape)


def closing(shapes: Tensor, most: int) -> Tensor:
    """Shapes with the gaps in them that are not wider than about ``most`` pixels."""
    return eroded(dilated(shapes, most // 2), most // 2) | shapes


def fill_holes(shapes: Tensor) -> Tensor:
    """Shapes with what they enclose."""
    return _each(shapes, ndimage.binary_fill_holes)


def window_of(mask: np.ndarray, around: int) -> tuple[slice, slice]:
    """Rows and columns of all of a mask (H, W) and so many pixels around it; the whole picture where it is empty."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if not width:
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    return slice(max(0, y - around), y + height + around), slice(max(0, x - around), x + width + around)


def parts_of(shape: Tensor) -> list[Tensor]:
    """The connected parts of a shape, bool (H, W); corners that touch connect."""
    count, labels = cv2.connectedComponents(shape.to(torch.uint8).cpu().numpy(), connectivity=8)
    return [torch.from_numpy(labels == label).to(shape.device) for label in range(1, count)]


def largest_parts(shapes: Tensor, share: float) -> Tensor:
    """Shapes without parts that are smaller than ``share`` of the frame's largest one; corners that touch connect."""

    def large(shape: np.ndarray) -> np.ndarray:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(shape, connectivity=8)
        sizes = stats[:, cv2.CC_STAT_AREA].copy()
        sizes[0] = 0  # the background's
        kept: np.ndarray = (sizes > 0) & (sizes >= share * sizes.max())
        parts: np.ndarray = kept[labels]
        return parts

    return _each(shapes, large)


def _square(side: int) -> np.ndarray:
    return np.ones((side, side), np.uint8)


def _each(shapes: Tensor, change: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """Shapes changed one by one, each as uint8 (H, W) of 0 and 1."""
    planes = shapes.to(torch.uint8).cpu().numpy()
    changed = [torch.from_numpy(np.asarray(change(plane)) > 0) for plane in planes]
    return torch.stack(changed).to(shapes.device) if changed else shapes
