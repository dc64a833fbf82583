"""Dense optical flow without weights: dense inverse search (Kroeger et al., 2016), by OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

_LEAST = 16  # pixels: OpenCV's patches need a side of 12 and more


def optical_flow(first: Tensor, second: Tensor) -> Tensor:
    """The motion w, in pixels, by which ``second(x + w(x))`` looks like ``first(x)``.

    Args:
        first, second: (N, 1, H, W) grey images in 0...1.

    Returns:
        (N, 2, H, W): to the right, and down.
    """
    pairs = zip(first[:, 0].cpu().numpy(), second[:, 0].cpu().numpy())
    flows = [torch.from_numpy(dense_flow(one, other)).permute(2, 0, 1) for one, other in pairs]
    return torch.stack(flows).to(first.device)


def dense_flow(first: np.ndarray, second: np.ndarray, exact: bool = True) -> np.ndarray:
    """:func:`optical_flow` of one pair, grey (H, W) float32: (H, W, 2) float32.

    Args:
        exact: else it is found on pictures of half the size, in a quarter of the time, for what may be off by pixels.
    """
    height, width = first.shape
    low, high = float(min(first.min(), second.min())), float(max(first.max(), second.max()))
    if high <= low:
        return np.zeros((height, width, 2), np.float32)
    # OpenCV takes 8 bits, so the pair's own contrast is spread over all of them.
    spread = 255 / (high - low)
    pair: list[np.ndarray] = [((image - low) * spread).round().astype(np.uint8) for image in (first, second)]
    finest = 0 if exact else 1
    least = _LEAST << finest
    below, right = max(0, least - height), max(0, least - width)
    if below or right:
        pair = [cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE) for image in pair]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest)
    flow: np.ndarray = search.calc(pair[0], pair[1], None)  # type: ignore[call-overload]  # None: from nothing
    return flow[:height, :width]


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """``images(x + flow(x))`` by bilinear sampling; beyond the border its nearest pixel. (N, c, H, W), (N, 2, H, W)."""
    height, width = images.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device), indexing="ij"
    )
    x = (columns + flow[:, 0]) * 2 / max(width - 1, 1) - 1
    y = (rows + flow[:, 1]) * 2 / max(height - 1, 1) - 1
    return grid_sample(images, torch.stack([x, y], dim=-1), padding_mode="border", align_corners=True)
