"""How a region of the clip moves: shifted, turned and scaled from frame to frame.

Found by registration of the clip itself, so it is as exact as the clip's pixels, not as the latents' cells:
optical flow inside the region, a similarity fitted to it that leaves outliers out, and again on the frame
brought back by what is known so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Iterator

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate

from vp2p.video.flow import optical_flow, warp

_REWEIGHTINGS = 10
# Pixels beyond which a point counts little in the fit, round by round: at first all points pull.
_OUTLIERS = (8.0, 2.0, 1.0, 1.0)
_SIDE = 256  # pixels: larger frames are made smaller, for motion is as exact as need be by then
_SURE = 0.4  # share of the texture that follows, from which on no other guess is tried
_TURN = math.radians(20)
_AWAY = 0.12  # of the longer side
_WINDOW = 5
_DIFFERENT, _LEAST, _UNCHANGED = 0.05, 1e-3, 0.01  # of white
_TEXTURE_SHARE = 0.2  # of the strongest texture: more makes a point no surer

Guesses = Callable[[list[Tensor], Tensor, Tensor, Tensor], Iterator[Tensor]]


@dataclass(frozen=True)
class Motion:
    """``to`` is (F, 2, 3): from pixels (x, y, 1) of frame 0 to those of each frame.

    ``confidence`` is (F,): which share of the region's texture moves like that, 0…1.
    """

    to: Tensor
    confidence: Tensor

    def between(self, frame: int, key: int) -> Tensor:
        """(2, 3), from pixels of ``frame`` to those of ``key``."""
        return compose(self.to[key], inverse(self.to[frame]))


def region_motion(clip: Tensor, regions: Tensor) -> Motion:
    """The motion of a region, from frame 0 on.

    Args:
        clip: (F, 1, H, W), grey, 0…1.
        regions: (F, H, W), weights of pixels, 0…1. Those of frame 0 are followed; where the others lie
            tells where to look, no more.
    """
    if max(clip.shape[-2:]) > _SIDE:
        return _coarsely(region_motion, clip, regions)
    behind = background_motion(clip, regions)
    return _follow(clip, regions, regions[0] * _texture(clip[:1]) * _apart(clip, behind), _guesses)


def background_motion(clip: Tensor, regions: Tensor) -> Motion:
    """The motion of what lies behind a region, from frame 0 on; as in :func:`region_motion`."""
    if max(clip.shape[-2:]) > _SIDE:
        return _coarsely(background_motion, clip, regions)
    found = _follow(clip, regions, (1 - regions[0]) * _texture(clip[:1]), _from_before)
    still = _still(clip, 1 - regions[0])
    return Motion(
        found.to.where(~still[:, None, None], torch.eye(2, 3, device=clip.device)), found.confidence.maximum(still)
    )


def _still(clip: Tensor, weights: Tensor) -> Tensor:
    """(F,): whether most of the ``weights`` (H, W) stay as they are in frame 0: the camera stands still."""
    same = (_near((clip - clip[:1]).abs())[:, 0] < _UNCHANGED).float()
    return (same * weights).sum((1, 2)) > 0.5 * weights.sum()


def _follow(clip: Tensor, regions: Tensor, weights: Tensor, guesses: Guesses) -> Motion:
    """The motion that most of the ``weights`` (H, W) of frame 0's pixels follow."""
    first, still = clip[:1], torch.eye(2, 3, device=clip.device)
    to, confidence = [still], [1.0]
    for frame, region in zip(clip[1:].split(1), regions[1:]):
        tried = [(0.0, still)]
        for guess in guesses(to, weights, regions[0], region):
            tried.append(_register(first, frame, weights, guess))
            if tried[-1][0] >= _SURE:
                break
        share, found = max(tried, key=lambda one: one[0])
        to.append(found)
        confidence.append(share)
    return Motion(torch.stack(to), torch.tensor(confidence, device=clip.device))


def _apart(clip: Tensor, behind: Motion) -> Tensor:
    """(H, W): how little of frame 0's pixels is explained by the motion of what lies behind the region, 0…1.

    An outline is loose, and what it holds beside the object may have the stronger texture. What lies
    behind is covered by the object in some frames only, but the object is seen elsewhere in most.
    """
    still = _grid(clip.shape[-2:], clip.device)
    moved = [
        (warp(frame, (transform(to, still) - still)[None]) - clip[:1]).abs()
        for frame, to in zip(clip[1:].split(1), behind.to[1:])
    ]
    if not moved:
        return torch.ones_like(clip[0, 0])
    difference = _near(torch.cat(moved).median(dim=0, keepdim=True).values)[0, 0]
    return (difference + _LEAST) / (difference + _LEAST + _DIFFERENT)


def _near(planes: Tensor) -> Tensor:
    return avg_pool2d(planes, _WINDOW, stride=1, padding=_WINDOW // 2)


def _coarsely(find: Callable[[Tensor, Tensor], Motion], clip: Tensor, regions: Tensor) -> Motion:
    """What ``find`` finds in smaller pictures."""
    scale = _SIDE / max(clip.shape[-2:])
    size = [max(1, round(side * scale)) for side in clip.shape[-2:]]
    motion = find(interpolate(clip, size=size, mode="area"), interpolate(regions[:, None], size=size)[:, 0])
    rows, columns = (small / large for small, large in zip(size, clip.shape[-2:]))
    # The middle of a small pixel is that of the large ones that it is made of.
    to_small = torch.tensor([[columns, 0, columns / 2 - 0.5], [0, rows, rows / 2 - 0.5]], device=clip.device)
    to_large = inverse(to_small)
    return Motion(torch.stack([compose(to_large, compose(to, to_small)) for to in motion.to]), motion.confidence)


def _from_before(to: list[Tensor], *_: Tensor) -> Iterator[Tensor]:
    yield to[-1]


def _guesses(to: list[Tensor], weights: Tensor, first: Tensor, region: Tensor) -> Iterator[Tensor]:
    """Where the next frame's region may be: where it was, where it was going, where its outline is, turned, or off."""
    yield to[-1]
    if len(to) > 1:
        yield compose(compose(to[-1], inverse(to[-2])), to[-1])
    if bool(first.any()) and bool(region.any()):
        yield _between_outlines(first, region)
    middle = transform(to[-1], (_grid(weights.shape, weights.device) * weights).sum((1, 2)) / weights.sum())
    for angle in (_TURN, -_TURN):
        cos, sin = math.cos(angle), math.sin(angle)
        turn = torch.tensor([[cos, -sin], [sin, cos]], device=weights.device)
        yield compose(torch.cat([turn, (middle - turn @ middle)[:, None]], dim=1), to[-1])
    away = _AWAY * max(weights.shape)
    for x, y in ((0, -away), (0, away), (-away, 0), (away, 0)):
        yield to[-1] + torch.tensor([[0, 0, x], [0, 0, y]], device=weights.device)


def _between_outlines(first: Tensor, other: Tensor) -> Tensor:
    """(2, 3), from one outline (H, W) to another: from middle to middle, larger as its area is."""
    grid = _grid(first.shape, first.device)
    here, there = ((grid * shape).sum((1, 2)) / shape.sum() for shape in (first, other))
    scale = (other.sum() / first.sum()).sqrt()
    return torch.cat([scale * torch.eye(2, device=first.device), (there - scale * here)[:, None]], dim=1)


def _register(first: Tensor, frame: Tensor, weights: Tensor, found: Tensor) -> tuple[float, Tensor]:
    """The share of the weight that follows, and (2, 3), from pixels of the first frame to another's.

    Args:
        first, frame: (1, 1, H, W), grey.
        weights: (H, W), of the first frame's pixels.
        found: (2, 3), a guess.
    """
    grid, share = _grid(weights.shape, weights.device), 0.0
    for outlier in _OUTLIERS:
        there = transform(found, grid)
        flow = optical_flow(first, warp(frame, (there - grid)[None]))[0]
        seen = (weights * _inside(there)).flatten()
        step, share = _similarity(grid.flatten(1), (grid + flow).flatten(1), seen, outlier)
        found = compose(found, step)
    return share, found


def transform(matrix: Tensor, points: Tensor) -> Tensor:
    """Points (2, …) by a matrix (2, 3)."""
    return torch.einsum("ij,j...->i...", matrix[:, :2], points) + matrix[:, 2].view(2, *[1] * (points.ndim - 1))


def compose(second: Tensor, first: Tensor) -> Tensor:
    """The matrix (2, 3) that does ``first``, then ``second``."""
    return torch.cat([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]], dim=1)


def inverse(matrix: Tensor) -> Tensor:
    """The way back of a matrix (2, 3)."""
    linear = torch.linalg.inv(matrix[:, :2])
    return torch.cat([linear, -linear @ matrix[:, 2:]], dim=1)


def sample(image: Tensor, to: Tensor) -> tuple[Tensor, Tensor]:
    """An image as seen through a matrix, by bicubic sampling.

    Args:
        image: (c, H, W).
        to: (2, 3), from the result's pixels to the image's.

    Returns:
        (c, H, W), and where it shows the image rather than its border's continuation, bool (H, W).
    """
    height, width = image.shape[-2:]
    x, y = transform(to, _grid((height, width), image.device))
    where = torch.stack([x * 2 / max(width - 1, 1) - 1, y * 2 / max(height - 1, 1) - 1], dim=-1)
    taken = grid_sample(image[None], where[None], mode="bicubic", padding_mode="border", align_corners=True)
    return taken[0], _inside(torch.stack([x, y]))


def _grid(size: tuple[int, int], device: torch.device) -> Tensor:
    """(2, H, W), each pixel's x and y."""
    rows, columns = torch.meshgrid(*(torch.arange(side, device=device).float() for side in size), indexing="ij")
    return torch.stack([columns, rows])


def _inside(points: Tensor) -> Tensor:
    height, width = points.shape[-2:]
    x, y = points
    return (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)


def _texture(grey: Tensor) -> Tensor:
    """(H, W): how much a pixel's neighbourhood tells of motion."""
    down, right = torch.gradient(grey, dim=(-2, -1))
    energy = _near(down**2 + right**2)[0, 0]
    return energy.clamp(max=float(energy.max()) * _TEXTURE_SHARE)


def _similarity(points: Tensor, there: Tensor, weights: Tensor, outlier: float) -> tuple[Tensor, float]:
    """The similarity (2, 3) from ``points`` (2, n) to ``there``, and the share of the weight that follows it.

    Weighted least squares in closed form (Umeyama, 1991), weighted anew by the residuals (Geman and
    McClure's function), since a region's border holds points of what lies behind it.
    """
    follows = torch.ones_like(weights)
    total = weights.sum()
    if total <= 0:
        return torch.eye(2, 3, device=points.device), 0.0
    for _ in range(_REWEIGHTINGS):
        w = weights * follows
        w = w / w.sum().clamp(min=1e-12)
        from_, to = (points * w).sum(1, keepdim=True), (there * w).sum(1, keepdim=True)
        p, q = points - from_, there - to
        spread = (w * (p**2).sum(0)).sum().clamp(min=1e-12)
        cos = (w * (p * q).sum(0)).sum() / spread
        sin = (w * (p[0] * q[1] - p[1] * q[0])).sum() / spread
        linear = torch.stack([torch.stack([cos, -sin]), torch.stack([sin, cos])])
        matrix = torch.cat([linear, to - linear @ from_], dim=1)
        residual = (transform(matrix, points) - there).norm(dim=0)
        follows = 1 / (1 + (residual / outlier) ** 2) ** 2
    return matrix, float((weights * follows).sum() / total)
