"""Frames as compositing computes with them, and back."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor


def planes(frames: np.ndarray) -> Tensor:
    """uint8 (F, H, W, 3) as float32 (F, 3, H, W) in 0…255."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float()


def rounded(planes: Tensor) -> np.ndarray:
    """(F, 3, H, W) in 0…255 as uint8 (F, H, W, 3)."""
    pixels: np.ndarray = planes.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return pixels


def with_neighbours(planes: Tensor, reach: int = 1) -> Tensor:
    """Planes (n, H, W) averaged over each pixel and those around it, so many to each side."""

    def total(plane: np.ndarray) -> np.ndarray:
        summed: np.ndarray = cv2.boxFilter(
            plane, -1, 2 * (2 * reach + 1,), normalize=False, borderType=cv2.BORDER_CONSTANT
        )
        return summed

    count = total(np.ones(planes.shape[1:], np.float32))
    return torch.from_numpy(np.stack([total(plane) / count for plane in planes.cpu().numpy()])).to(planes)


def spread(count: int, most: int) -> list[int]:
    """So many of a clip's frames, or all if it has no more, spread evenly from the first to the last; ``most`` > 1."""
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})


def from_colours(pixels: Tensor, colours: Tensor, most: int) -> Tensor:
    """By how much pixels (n, 3) differ from the nearest of colours (m, 3), of which ``most`` are asked: (n,)."""
    asked = colours[torch.linspace(0, len(colours) - 1, most).long()]
    return torch.cdist(pixels, asked, p=float("inf")).amin(1)
