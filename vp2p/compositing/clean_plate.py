"""The background behind an object, as the clip's other frames show it: a clean plate."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.compositing.light import light
from vp2p.compositing.membrane import filled
from vp2p.compositing.motion.protocol import CONFIDENT, Motion
from vp2p.compositing.pixels import spread, with_neighbours
from vp2p.compositing.robust import doubt
from vp2p.compositing.threads import side_by_side

_OTHERS = 8  # frames that are asked, spread evenly
_MIXED = 0.01  # next to an object, sampling mixes its blank in, or sharpens its rim
_ROUNDS = 3  # of leaving out what differs from the others
_RIM = 2  # pixels around each
_APART = 12.0  # of 255, from their mean: beyond it, a frame that shows something else has little say


def clean_plate(clip: Tensor, objects: Tensor, background: Motion) -> tuple[Tensor, Tensor]:
    """Each frame's background where other frames show it, in the frame's own light.

    Args:
        clip: (F, 3, H, W).
        objects: bool (F, H, W), what is no background.
        background: how the background moves.

    Returns:
        (F, 3, H, W), and where it is known, bool (F, H, W).
    """
    count = len(clip)
    asked = spread(count, _OTHERS)
    shown = torch.cat([clip, torch.ones_like(clip[:, :1])], dim=1) * (~objects)[:, None]

    def plate_of(frame: int) -> Tensor:
        seen: list[Tensor] = []
        for other in asked:
            if other == frame or min(background.confidence[frame], background.confidence[other]) < CONFIDENT:
                continue
            picture, inside = background.warp(shown[other], other, frame)
            shows = inside & ((picture[3] - 1).abs() < _MIXED)
            gain = light(picture[:3], clip[frame], shows & ~objects[frame])
            seen.append(torch.cat([picture[:3] * gain, torch.ones_like(picture[3:])]) * shows)
        return _agreed(torch.stack(seen)) if seen else torch.zeros_like(shown[frame])

    plate = torch.stack(side_by_side(plate_of, range(count)))
    return plate[:, :3], plate[:, 3] > 0.5


def _agreed(seen: Tensor) -> Tensor:
    """What most of some pictures (n, 4, H, W), which say in the end where they are known, agree on: (4, H, W)."""
    weights = seen[:, 3:]
    for _ in range(_ROUNDS):
        mean = (weights * seen[:, :3]).sum(0) / weights.sum(0).clamp(min=1e-6)
        apart = (seen[:, :3] - mean).abs().amax(1, keepdim=True)
        weights = seen[:, 3:] / doubt((apart / _APART) ** 2)
    return torch.cat([mean, seen[:, 3:].amax(0)])


def seamless(picture: Tensor, hole: Tensor, around: Tensor) -> Tensor:
    """What ``around`` (3, H, W) shows, and in its hole, bool (H, W), a picture (3, H, W) in the tones of the rim.

    The picture is moved by a membrane that is stretched over its difference at the rim (Pérez, Gangnet and Blake,
    "Poisson image editing", 2003).
    """
    known = (~hole).to(picture)
    planes = torch.cat([(around - picture) * known, known[None]])
    near = with_neighbours(planes, _RIM)  # one pixel's noise makes no streaks
    difference = (near[:3] / near[3:].clamp(min=1e-6)).where(~hole, 0)
    return around.where(~hole, (picture + inpaint(difference, hole)).clamp(0, 255))


def inpaint(picture: Tensor, hole: Tensor) -> Tensor:
    """A picture (3, H, W) with a hole, bool (H, W), filled smoothly from its rim: the solution of Laplace's equation.

    Navier-Stokes inpainting, as OpenCV has it, is a third further from what was hidden; see docs/benchmarks.md.
    """
    if not hole.any() or hole.all():
        return picture
    found = filled(picture.permute(1, 2, 0).cpu().numpy(), hole.cpu().numpy())
    made = picture.clone()
    made[:, hole] = torch.from_numpy(found.T).to(picture)
    return made
