"""Motion as one similarity a frame: shifted, turned and scaled, as stiff things seen from afar move.

Found by registration of the clip itself, so it is as exact as the clip's pixels, not as the latents' cells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Callable, Iterable, Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from vp2p.compositing.motion.affine import CUBIC, Kernel, compose, grid, inverse, resizing, sample, transform, turning
from vp2p.compositing.motion.protocol import CONFIDENT, Motion
from vp2p.compositing.motion.registration import Array, Region, likeness, register, share_that_follows
from vp2p.compositing.pixels import with_neighbours
from vp2p.video.fitting import within

_SIDE = 256  # pixels: larger frames are made smaller, for motion is as exact as need be by then
_SURE = 0.4  # share of the texture that follows, from which on no other guess is tried
_TURN = math.radians(20)
_AWAY = 0.12  # of the longer side
_WINDOW = 5
_DIFFERENT, _LEAST, _UNCHANGED = 0.05, 1e-3, 0.01  # of white
_TEXTURE_SHARE = 0.2  # of the strongest texture: more makes a point no more certain
_OVERLAP = 0.88  # of two outlines, for their motion to be believed
_EQUAL, _MORE = 0.999, 0.001  # of likeness: so alike is equal; so much more is needed for another motion than none
_FOLLOWS = 0.1  # share of the texture: wrong motions of drawn grounds had 0.06 at most, right ones 0.15 and more
_LEFT = 0.2  # of a background: with less, what may hide it is looked at, too
_STANDS = 0.2  # pixels, on average: a camera that moves less stands still
# Contrast is made even over this part of the longer side, where it is not fainter than this part of white.
_NEIGHBOURHOOD, _FAINT = 1 / 50, 0.01
_BLUR = 32  # outlines are blurred over twice this part of the longer side

Guesses = Callable[[list[Tensor], Tensor, Tensor, Tensor], Iterator[Tensor]]


@dataclass(frozen=True)
class Similarity:
    """See :class:`vp2p.compositing.motion.protocol.Motion`.

    ``matrices`` is (F, 2, 3): from pixels (x, y, 1) of frame 0 to those of each frame. ``kernel`` moves pictures.
    """

    matrices: Tensor
    confidence: Tensor
    kernel: Kernel = CUBIC

    @property
    def scale(self) -> Tensor:
        area: Tensor = torch.linalg.det(self.matrices[:, :, :2])
        return area.clamp(min=1e-6).sqrt()

    @property
    def turn(self) -> Tensor:
        return torch.atan2(self.matrices[:, 1, 0], self.matrices[:, 0, 0])

    @property
    def reach(self) -> Tensor:
        return torch.minimum(self.confidence[:, None], self.confidence[None])

    @property
    def familiar(self) -> Tensor:
        return self.reach.mean(0)[:, None, None]

    def prepare(self, frames: Iterable[int]) -> None:
        """Nothing is left to be found."""

    def warp(self, picture: Tensor, frame: int, to: int, beyond: bool = False) -> tuple[Tensor, Tensor]:
        """A stiff object moves as a whole, so it does not matter which pixel follows which."""
        return sample(picture, compose(self.matrices[frame], inverse(self.matrices[to])), self.kernel)

    def resized(self, size: tuple[int, int], to: tuple[int, int]) -> Similarity:
        there = resizing(size, to).to(self.matrices)
        back = inverse(there)
        return replace(self, matrices=torch.stack([compose(there, compose(one, back)) for one in self.matrices]))

    def field(self, frame: int, to: int, points: Tensor) -> Tensor:
        return transform(compose(self.matrices[frame], inverse(self.matrices[to])), points) - points

    def certainty(self, frame: int, to: int) -> Tensor:
        return self.reach[frame, to]


class SimilarityModel:
    """See :class:`vp2p.compositing.motion.protocol.MotionModel`."""

    def of_object(self, clip: Tensor, objects: Tensor, behind: Motion) -> Similarity:
        """By the objects' texture; where that tells nothing, by outlines that nearly cover each other."""
        return self.near(clip, objects, behind, None)

    def near(self, clip: Tensor, objects: Tensor, behind: Motion, near: Similarity | None) -> Similarity:
        """The same, where a motion ``near`` the one that is to be found is known."""
        motion = region_motion(_grey(clip), objects.float(), behind, near)
        lost = motion.confidence < CONFIDENT
        if not bool(lost.any()):
            return motion
        by_outline = region_motion(_blurred(objects.float()[:, None]), objects.float(), None, near)
        fits = torch.tensor([_overlap(objects[0], other, to) for other, to in zip(objects, by_outline.matrices)])
        taken = lost & (fits >= _OVERLAP).to(lost.device)
        return Similarity(
            by_outline.matrices.where(taken[:, None, None], motion.matrices),
            motion.confidence.where(~taken, CONFIDENT),
        )

    def of_background(self, clip: Tensor, objects: Tensor) -> Similarity:
        """By the background's texture; see :func:`background_motion`."""
        return background_motion(_grey(clip), objects.float())


def region_motion(
    clip: Tensor, regions: Tensor, behind: Motion | None = None, near: Similarity | None = None
) -> Similarity:
    """The motion of a region, from frame 0 on.

    Args:
        clip: (F, 1, H, W), grey, 0…1.
        regions: (F, H, W), weights of pixels, 0…1. Those of frame 0 are followed; where the others lie
            tells where to look, no more.
        behind: how what lies behind moves, where it is known: what follows that has no say.
        near: where to look, besides where it was; else several places are tried.
    """
    whole, small = _sizes(clip)
    if small != whole:
        smaller = _smaller(clip, regions, small)
        behind, near = behind and behind.resized(whole, small), near and near.resized(whole, small)
        return region_motion(*smaller, behind, near).resized(small, whole)
    weights = regions[0] * _texture(clip[:1]) * _unexplained(clip, behind or background_motion(clip, regions))
    guesses = (lambda to, *_: iter([near.matrices[len(to)].cpu(), to[-1]])) if near else _guesses
    return _follow(clip, regions, weights, guesses)


def background_motion(clip: Tensor, regions: Tensor) -> Similarity:
    """The motion of what lies behind a region, from frame 0 on; see :func:`region_motion`.

    What a frame's own region hides has no say in it. The background stands still where nothing else explains the frames
    better, such as that of a plain ground.
    """
    whole, small = _sizes(clip)
    if small != whole:
        return background_motion(*_smaller(clip, regions, small)).resized(small, whole)
    shows = (1 - regions).cpu().numpy()
    texture = _texture(clip[:1]).cpu().numpy()
    seen = texture[shows[0] > 0.5]
    most = np.median(seen) if len(seen) else 0.0  # so that a small thing that moves has little say
    weights = shows[0] * texture.clip(max=most)
    pictures = clip[:, 0].cpu().numpy()
    behind = _Behind([Region.of(view(pictures[0]), weights) for view in _VIEWS], pictures[0], shows[0])
    found = [(1.0, _NOWHERE)]
    for picture, shown in zip(pictures[1:], shows[1:]):
        found.append(behind.found_in(picture, shown, found[-1][1]))
    matrices = torch.stack([torch.from_numpy(matrix).float() for _, matrix in found])
    return Similarity(matrices.to(clip.device), torch.tensor([share for share, _ in found], device=clip.device))


@dataclass(frozen=True)
class _Behind:
    """A background that is followed: its region in each view, the ``picture`` (H, W) and where it ``shows`` it."""

    regions: Sequence[Region]
    picture: Array
    shows: Array

    def found_in(self, picture: Array, shows: Array, guess: Array) -> tuple[float, Array]:
        """How much of the background follows, and (2, 3), where, in a picture (H, W) that ``shows`` (H, W) it there."""
        plain = self.regions[0]
        if (shows * self.shows).sum() < _LEFT * self.shows.sum():  # a coarse outline may hold nearly all
            shows = np.ones_like(shows)
        as_before = likeness(plain, picture, shows, _NOWHERE)
        if as_before >= _EQUAL:
            return 1.0, _NOWHERE
        views = [(region, view(picture)) for view, region in zip(_VIEWS, self.regions)]
        best, found = as_before + _MORE, None
        for region, seen in views:
            follows, matrix = register(region, seen, shows, guess)
            alike = likeness(plain, picture, shows, matrix)  # in the plain picture noise is not made large
            if alike > best and follows >= _FOLLOWS:
                best, found = alike, matrix
            if follows >= _SURE:
                break
        if found is None or plain.moved_by(found) < _STANDS:
            shares = (share_that_follows(region, seen, shows, _NOWHERE) for region, seen in views)
            best, found = as_before if any(share * as_before >= _FOLLOWS for share in shares) else 0.0, _NOWHERE
        # Of a plain ground little can be alike, and little can be wrong.
        return max(best, CONFIDENT) if self._unchanged(picture, shows) else best, found

    def _unchanged(self, picture: Array, shows: Array) -> bool:
        """Whether most of the background looks as it did: then it does no harm to say that it stands still."""
        both = shows * self.shows
        same = cv2.blur(np.abs(picture - self.picture), (_WINDOW, _WINDOW)) < _UNCHANGED
        return bool((same * both).sum() > 0.5 * both.sum() > 0)


def _plain(picture: Array) -> Array:
    return picture


def _even(picture: Array) -> Array:
    """A grey picture (H, W) in its local contrast, in which shadows and exposure do not count."""
    width = _NEIGHBOURHOOD * max(picture.shape)
    apart = picture - cv2.GaussianBlur(picture, (0, 0), width)
    contrast = apart / (np.sqrt(cv2.GaussianBlur(apart**2, (0, 0), width)) + _FAINT)
    even: Array = (0.5 + 0.2 * contrast.clip(-2.5, 2.5)).astype(np.float32)
    return even


_VIEWS = (_plain, _even)
_NOWHERE = np.eye(2, 3)


def _grey(clip: Tensor) -> Tensor:
    """(F, 1, H, W) in 0…1, of a clip in 0…255."""
    return clip.mean(1, keepdim=True) / 255


def _follow(clip: Tensor, regions: Tensor, weights: Tensor, guesses: Guesses) -> Similarity:
    """The motion that most of the ``weights`` (H, W) of frame 0's pixels follow."""
    still = torch.eye(2, 3)
    to, confidence = [still], [1.0]
    frames, weights, regions = clip[:, 0].cpu().numpy(), weights.cpu(), regions.cpu()
    followed, everywhere = Region.of(frames[0], weights.numpy()), np.ones_like(frames[0])
    for frame, region in zip(frames[1:], regions[1:]):
        tried = [(0.0, still)]
        for guess in guesses(to, weights, regions[0], region):
            share, found = register(followed, frame, everywhere, guess.numpy())
            tried.append((share, torch.from_numpy(found).float()))
            if share >= _SURE:
                break
        share, matrix = max(tried, key=lambda one: one[0])
        to.append(matrix)
        confidence.append(share)
    return Similarity(torch.stack(to).to(clip.device), torch.tensor(confidence, device=clip.device))


def _unexplained(clip: Tensor, behind: Motion) -> Tensor:
    """(H, W): how little of frame 0's pixels is explained by the motion of what lies behind the region, 0…1.

    A coarse mask holds more than the object, and that may have the stronger texture. What lies
    behind is covered by the object in some frames only, but the object is seen elsewhere in most.
    """
    moved = [(behind.warp(frame, number, 0)[0] - clip[0]).abs() for number, frame in enumerate(clip[1:], start=1)]
    if not moved:
        return torch.ones_like(clip[0, 0])
    difference = _near(torch.stack(moved).median(dim=0, keepdim=True).values)[0, 0]
    return (difference + _LEAST) / (difference + _LEAST + _DIFFERENT)


def _near(planes: Tensor) -> Tensor:
    return avg_pool2d(planes, _WINDOW, stride=1, padding=_WINDOW // 2)


def _sizes(clip: Tensor) -> tuple[tuple[int, int], tuple[int, int]]:
    """A clip's own size, and one at which its motion is found."""
    whole = (clip.shape[-2], clip.shape[-1])
    return whole, within(whole, _SIDE)


def _smaller(clip: Tensor, regions: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    return interpolate(clip, size=size, mode="area"), interpolate(regions[:, None], size=size)[:, 0]


def _guesses(to: list[Tensor], weights: Tensor, first: Tensor, region: Tensor) -> Iterator[Tensor]:
    """Where the next frame's region may be: where it was, where it was going, where its outline is, turned, or off."""
    yield to[-1]
    if len(to) > 1:
        yield compose(compose(to[-1], inverse(to[-2])), to[-1])
    if bool(first.any()) and bool(region.any()):
        yield between_outlines(first, region)
    middle = transform(to[-1], (grid(weights.shape, weights.device) * weights).sum((1, 2)) / weights.sum())
    for angle in (_TURN, -_TURN):
        yield compose(turning(angle, middle), to[-1])
    away = _AWAY * max(weights.shape)
    for x, y in ((0, -away), (0, away), (-away, 0), (away, 0)):
        yield to[-1] + torch.tensor([[0, 0, x], [0, 0, y]])


def between_outlines(first: Tensor, other: Tensor) -> Tensor:
    """(2, 3), from one outline (H, W) to another: from middle to middle, larger as its area is."""
    points = grid(first.shape, first.device)
    here, there = ((points * shape).sum((1, 2)) / shape.sum() for shape in (first, other))
    scale = (other.sum() / first.sum()).sqrt()
    return torch.cat([scale * torch.eye(2), (there - scale * here)[:, None]], dim=1)


def _overlap(first: Tensor, other: Tensor, to: Tensor) -> float:
    """How much of two shapes, bool (H, W), together is covered by both, once one is brought to the other."""
    brought, inside = sample(other[None].float(), to)
    shape, first = (brought[0] > 0.5) & inside, first & inside
    return float((shape & first).sum() / (shape | first).sum().clamp(min=1))


def _blurred(planes: Tensor) -> Tensor:
    """Planes (F, 1, H, W), so smooth that their rims tell of motion over some way."""
    reach = max(planes.shape[-2:]) // _BLUR
    return with_neighbours(with_neighbours(planes[:, 0], reach), reach)[:, None]


def _texture(grey: Tensor) -> Tensor:
    """(H, W): how much a pixel's neighbourhood tells of motion."""
    down, right = torch.gradient(grey, dim=(-2, -1))
    energy = _near(down**2 + right**2)[0, 0]
    return energy.clamp(max=float(energy.max()) * _TEXTURE_SHARE)
