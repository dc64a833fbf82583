"""The ground behind an object, as the clip's other frames show it: a clean plate."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from vp2p.compositing.motion.similarity import Motion, sample

CONFIDENT = 0.25  # share of the texture that must follow a motion for it to be believed
_OTHERS = 8  # frames that are asked, spread evenly
_SPREADS = 300


def clean_plate(clip: Tensor, objects: Tensor, background: Motion) -> tuple[Tensor, Tensor]:
    """Each frame's ground where other frames show it.

    Args:
        clip: (F, 3, H, W).
        objects: bool (F, H, W), what is no ground.
        background: how the ground moves.

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
            seen, inside = sample(shown[other], background.between(frame, other))
            # Next to an object, bicubic sampling mixes it in.
            total += seen * (inside & (seen[3] > 0.99))
        plates.append(total)
    plate = torch.stack(plates)
    known = plate[:, 3] > 0.5
    return plate[:, :3] / plate[:, 3:].where(known[:, None], 1.0), known


def inpaint(picture: Tensor, hole: Tensor) -> Tensor:
    """A picture (3, H, W) with a hole, bool (H, W), filled smoothly from its rim, as heat spreads."""
    if not bool(hole.any()) or bool(hole.all()):
        return picture
    fill_holes = picture.where(~hole, picture[:, ~hole].mean(1)[:, None, None])
    for _ in range(_SPREADS):
        near = pad(fill_holes[None], (1, 1, 1, 1), mode="replicate")[0]
        spread = (near[:, 1:-1, :-2] + near[:, 1:-1, 2:] + near[:, :-2, 1:-1] + near[:, 2:, 1:-1]) / 4
        fill_holes = fill_holes.where(~hole, spread)
    return fill_holes
