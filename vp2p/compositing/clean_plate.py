"""The background behind an object, as the clip's other frames show it: a clean plate."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from vp2p.compositing.motion.protocol import CONFIDENT, Motion

_OTHERS = 8  # frames that are asked, spread evenly
_RADIUS = 3  # pixels around a hole that its rim continues


def clean_plate(clip: Tensor, objects: Tensor, background: Motion) -> tuple[Tensor, Tensor]:
    """Each frame's background where other frames show it.

    Args:
        clip: (F, 3, H, W).
        objects: bool (F, H, W), what is no background.
        background: how the background moves.

    Returns:
        (F, 3, H, W), and where it is known, bool (F, H, W).
    """
    count = len(clip)
    asked = sorted({round(i * (count - 1) / (_OTHERS - 1)) for i in range(_OTHERS)})
    shown = torch.cat([clip, torch.ones_like(clip[:, :1])], dim=1) * (~objects)[:, None]
    plates = []
    for frame in range(count):
        total = torch.zeros_like(shown[0])
        for other in asked:
            if other == frame or min(background.confidence[frame], background.confidence[other]) < CONFIDENT:
                continue
            seen, inside = background.warp(shown[other], other, frame)
            # Next to an object, bicubic sampling mixes it in.
            total += seen * (inside & (seen[3] > 0.99))
        plates.append(total)
    plate = torch.stack(plates)
    known = plate[:, 3] > 0.5
    return plate[:, :3] / plate[:, 3:].where(known[:, None], 1.0), known


def inpaint(picture: Tensor, hole: Tensor) -> Tensor:
    """A picture (3, H, W) in 0…255 with a hole, bool (H, W), filled from its rim (Bertalmio et al., 2001)."""
    if not bool(hole.any()) or bool(hole.all()):
        return picture
    pixels = picture.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    mask = hole.to(torch.uint8).cpu().numpy()
    filled = torch.from_numpy(cv2.inpaint(np.ascontiguousarray(pixels), mask, _RADIUS, cv2.INPAINT_NS))
    return picture.where(~hole, filled.permute(2, 0, 1).to(picture))
