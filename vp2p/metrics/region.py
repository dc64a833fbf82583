"""The region of a clip that an edit should leave as it was, and the box around what it may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

Box = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Region:
    """Where an edit may act.

    Args:
        mask: (F, h, w), above 0 where it may.
        grow: how many cells the mask is grown on all sides before pixels outside it should stay. A cell of the latents
            is decoded with its neighbours in sight, so with 1 the pixels that the edit could reach do not count.
    """

    mask: Tensor
    grow: int = 1

    def kept_pixels(self, size: tuple[int, int]) -> np.ndarray:
        """bool (F, H, W), the pixels that no cell of the grown mask touches; ``size`` is (H, W) in pixels."""
        grown = max_pool2d((self.mask > 0).float()[:, None], 2 * self.grow + 1, stride=1, padding=self.grow)
        kept: np.ndarray = (interpolate(grown, size=size, mode="nearest-exact")[:, 0] == 0).cpu().numpy()
        return kept

    def object_boxes(self, size: tuple[int, int]) -> list[Box | None]:
        """For each frame the square around all that the mask marks: (top, left, bottom, right), in pixels.

        The square is the bounding box with its shorter side extended about its middle, moved and cut to
        lie in the frame. A frame without a mark has None.
        """
        marked = interpolate((self.mask > 0).float()[:, None], size=size, mode="nearest-exact")[:, 0] > 0
        return [_square(frame, size) for frame in marked]


def _square(marked: Tensor, size: tuple[int, int]) -> Box | None:
    rows, columns = (torch.nonzero(marked.any(dim=axis))[:, 0].tolist() for axis in (1, 0))
    if not rows:
        return None
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    top, bottom = _span(rows[0], rows[-1] + 1, side, size[0])
    left, right = _span(columns[0], columns[-1] + 1, side, size[1])
    return top, left, bottom, right


def _span(low: int, high: int, side: int, limit: int) -> tuple[int, int]:
    side = min(side, limit)
    start = min(max((low + high - side) // 2, 0), limit - side)
    return start, start + side
