"""Motion as a dense field: a similarity, and how each part of the object departs from it, as what bends moves.

Neighbouring frames are aligned first. Fields to a frame further away begin as chains of these, and take whatever fits
better from the direct way and from the fields of the frames beside. What shows nothing moves as a smooth field does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Iterable, Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vp2p.compositing.motion.affine import (
    CUBIC,
    Kernel,
    compose,
    grid,
    inverse,
    resizing,
    sample_at,
    transform,
    turning,
)
from vp2p.compositing.motion.alignment import (
    Array,
    ObjectPictures,
    after,
    align,
    between_boxes,
    difference,
    extended,
    settled,
    through,
)
from vp2p.compositing.motion.protocol import CONFIDENT, Motion
from vp2p.compositing.motion.registration import fit_similarity, similarity_field
from vp2p.compositing.motion.similarity import Similarity, SimilarityModel, between_outlines
from vp2p.compositing.motion.spline import smooth_field
from vp2p.compositing.pixels import spread
from vp2p.compositing.shapes import window_of
from vp2p.compositing.threads import side_by_side
from vp2p.video.fitting import within

SIMILARITY = SimilarityModel()

_SIDE = 256  # pixels: larger frames are made smaller
_AROUND = 16  # pixels around the object that are looked at
_COARSE, _FINE = (1 / 32, 1 / 128), (1 / 128, 1 / 256)  # widths of smoothing, as parts of the longer side
_DOUBT = 13.0  # of 45, an object's standard deviation: so much difference leaves a certainty of 1/e
_OUTLIER = 4.0  # pixels from a similarity, beyond which a part of the object has little say in it
# Of a field's certainty, a similarity has less than the first on average where an object bends, and at least the second
# in each frame where it is stiff: drawn stiff objects have 0.93 and more, rendered animals 0.27 to 0.6 on average.
_BENDS, _STIFF = 0.75, 0.85
# Degrees: what has seven petals or spokes, or more, looks alike within them; registration finds the rest of a step.
_TURNED, _TURN = 48, 8
_CLEARLY = 0.05  # of a field's certainty: a swaying flower gained 0.12, what bends 0.01 at most
_LEAST_AREA = 1e-3  # of an object's area in one frame, in another
_ASKED = 12  # frames that may become key frames, spread evenly over a clip
_LEVELS = 255  # a certainty is a whole number of these where many are summed


@dataclass(frozen=True)
class DenseMotion:
    """See :class:`vp2p.compositing.motion.protocol.Motion`.

    ``pictures`` are of ``size`` (H, W) at most 256 pixels wide and high, cut to a ``window`` (rows, columns). What is
    warped is moved by ``kernel``.
    """

    pictures: ObjectPictures
    window: tuple[slice, slice]
    small: tuple[int, int]
    size: tuple[int, int]
    kernel: Kernel = CUBIC
    _pairs: dict[tuple[int, int], Array] = field(default_factory=dict)
    _keys: dict[int, list[Array]] = field(default_factory=dict)
    _splines: dict[tuple[int, int], Array] = field(default_factory=dict)

    @property
    def confidence(self) -> Tensor:
        """(F,), of the way from frame 0."""
        return self.reach[0]

    @property
    def scale(self) -> Tensor:
        return torch.tensor([float(np.sqrt(abs(np.linalg.det(one[:, :2])))) for one in self.similarities])

    @property
    def turn(self) -> Tensor:
        return torch.tensor([float(np.arctan2(one[1, 0], one[0, 0])) for one in self.similarities])

    @cached_property
    def reach(self) -> Tensor:
        """(F, F): how certain it is, on average, what each frame's object (column) looks like from a frame (row).

        Of a long clip, only some frames, spread evenly, are asked; of the others it is 0.
        """
        return self._looks[0]

    @property
    def familiar(self) -> Tensor:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.familiar`."""
        return torch.stack([self._spread(frame, frame, one) for frame, one in enumerate(self._looks[1])])

    @cached_property
    def _looks(self) -> tuple[Tensor, Array]:
        """``reach``, and how certain each pixel is on average (F, h, w): from some frames, spread evenly."""
        masks, count = self.pictures.masks, len(self.pictures)
        asked = spread(count, _ASKED)
        shown = [key for key in asked if masks[key].any()]
        self._align(pair for frame in range(count) for pair in self._steps(frame))
        sums, turn = np.zeros(masks.shape, np.uint16), Lock()

        def reached(key: int) -> list[float]:
            found = []
            for frame, way in enumerate(self._chained(key)):
                seen = self._seen(frame, key, way)
                found.append(self._certainty(key, frame, seen))
                if key in shown and key != frame:
                    with turn:  # whole numbers: their sum is the same in any order
                        sums[frame] += (_LEVELS * seen).round().astype(np.uint16)
            return found

        reach = torch.eye(count)
        for key, found in zip(asked, side_by_side(reached, asked)):
            reach[key] = torch.tensor(found)
            reach[key, key] = 1.0
        others = np.array([len(shown) - (frame in shown) for frame in range(count)])[:, None, None]
        return reach, np.where(others > 0, sums / (_LEVELS * others.clip(1)), 1.0).astype(np.float32)

    def prepare(self, frames: Iterable[int]) -> None:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.prepare`."""
        for frame in frames:
            self._fields(frame)

    def warp(self, picture: Tensor, frame: int, to: int, beyond: bool = False) -> tuple[Tensor, Tensor]:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.warp`."""
        place = np.dstack(np.meshgrid(*(np.arange(side, dtype=np.float32) for side in self.size[::-1])))
        place += self._whole(frame, to, beyond)
        return sample_at(picture, torch.from_numpy(place).permute(2, 0, 1).to(picture.device), self.kernel)

    def certainty(self, frame: int, to: int) -> Tensor:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.certainty`."""
        return self._spread(frame, to, self._seen(to, frame, self._fields(frame)[to]))

    def _spread(self, key: int, frame: int, seen: Array) -> Tensor:
        """What is said of a frame's object in the window, (H, W) of the clip; outside of the object, the mean of it."""
        whole = np.full(self.small, self._certainty(key, frame, seen), np.float32)
        whole[self.window] = np.where(self.pictures.masks[frame], seen, whole[self.window])
        planes = torch.from_numpy(whole)[None, None]
        return interpolate(planes, size=self.size, mode="bilinear")[0, 0]

    def field(self, frame: int, to: int, points: Tensor) -> Tensor:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.field`; ``points`` are (2, h, w)."""
        columns, rows = points.cpu().numpy().astype(np.float32)
        found = cv2.remap(self._whole(frame, to), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return torch.from_numpy(found).permute(2, 0, 1).to(points)

    def resized(self, size: tuple[int, int], to: tuple[int, int]) -> DenseMotion:
        """See :meth:`vp2p.compositing.motion.protocol.Motion.resized`."""
        return replace(self, size=to)

    @cached_property
    def similarities(self) -> list[Array]:
        """The similarity (2, 3) that comes nearest to the motion from frame 0 to each frame, in its pixels."""
        found = [self._fitted(to, field) for to, field in enumerate(self._from_first)]
        return [_inverse(self._enlarged(matrix)) for matrix in found]

    def explained_by(self, matrices: Tensor) -> Tensor:
        """(F,): how much of what the fields explain is explained by similarities (F, 2, 3), from frame 0 to each."""
        shares = torch.ones(len(matrices))
        for frame, matrix in enumerate(matrices):
            back = similarity_field(self._shrunk(_inverse(matrix.double().cpu().numpy())), self.small)[self.window]
            mask = self.pictures.masks[frame]
            if mask.any():
                shares[frame] = float(self._seen(frame, 0, back)[mask].mean()) / self._explained[frame]
        return shares

    def _whole(self, frame: int, to: int, beyond: bool = False) -> Array:
        """float32 (H, W, 2): from each pixel of ``to`` to its place in ``frame``."""
        found, known = self._fields(frame)[to], np.zeros(self.small, bool)
        matrix = self._fitted(to, found)
        known[self.window] = self.pictures.masks[to]
        if beyond:
            found, known[self.window] = self._smooth(frame, to), True
        whole = np.zeros((*self.small, 2), np.float32)
        whole[self.window] = found
        residual = extended(whole - similarity_field(matrix, self.small), known)
        if self.small != self.size:
            scale = np.divide(self.size[::-1], self.small[::-1])
            residual = cv2.resize(residual, self.size[::-1], interpolation=cv2.INTER_LINEAR) * scale
        total: Array = (similarity_field(self._enlarged(matrix), self.size) + residual).astype(np.float32)
        return total

    def _fitted(self, frame: int, found: Array) -> Array:
        """The similarity (2, 3), in small pixels, that most of a field from a frame's object follows."""
        rows, columns = np.nonzero(self.pictures.masks[frame])
        points = np.stack([columns + self.window[1].start, rows + self.window[0].start], 1).astype(np.float64)
        matrix, _ = fit_similarity(points, points + found[rows, columns], np.ones(len(points)), _OUTLIER)
        # Nothing shrinks to a point: such a fit is of a field that leads nowhere.
        return matrix if np.linalg.det(matrix[:, :2]) > _LEAST_AREA else np.eye(2, 3)

    def _enlarged(self, matrix: Array) -> Array:
        """A matrix (2, 3) of small pixels as one of the frames' own."""
        return _resized(matrix, self.small, self.size)

    def _shrunk(self, matrix: Array) -> Array:
        """The way back from :meth:`_enlarged`."""
        return _resized(matrix, self.size, self.small)

    def _fields(self, key: int) -> list[Array]:
        """The fields of all frames to the object of ``key``."""
        if key not in self._keys:
            outward = self._outward(key)
            self._align(pair for frame in outward for pair in self._steps(frame))
            found = self._chained(key)
            far = [(frame, nearer) for frame in outward if (nearer := self._beside(frame, key)) != key]
            for (frame, nearer), direct in zip(far, side_by_side(lambda pair: self._direct(pair[0], key), far)):
                chained = after(self._pairs[frame, nearer], found[nearer])
                found[frame] = align(self.pictures, frame, key, [chained, direct], ())
            for frame in outward[::-1] + outward:
                ways = [after(self._pairs[pair], found[pair[1]]) for pair in self._steps(frame)]
                found[frame] = align(self.pictures, frame, key, [found[frame], *ways], _FINE)
            smoothed = side_by_side(lambda frame: self._smoothed(frame, key, found[frame]), outward)
            for frame, (spline, field) in zip(outward, smoothed):
                self._splines[key, frame], found[frame] = spline, field
            self._keys[key] = found
        return self._keys[key]

    def _direct(self, frame: int, key: int) -> Array:
        """A frame's field to the object of ``key``, found without those between."""
        masks = self.pictures.masks
        return align(self.pictures, frame, key, [between_boxes(masks[frame], masks[key])], _COARSE)

    def _smoothed(self, frame: int, key: int, found: Array) -> tuple[Array, Array]:
        """The smooth field near one that was found, and the dense one that is found from it."""
        spline = smooth_field(self.pictures, frame, key, found, self._seen(frame, key, found))
        start = settled(self.pictures, frame, key, spline, found)
        return spline, align(self.pictures, frame, key, [start], _FINE)

    def _smooth(self, key: int, frame: int) -> Array:
        """The smooth field of a frame to the object of ``key``; where one of the two shows none, the dense one."""
        found = self._fields(key)[frame]
        return self._splines.get((key, frame), found)

    def _chained(self, key: int) -> list[Array]:
        """The fields of all frames to ``key`` through the frames between."""
        steps = [(frame, self._beside(frame, key)) for frame in self._outward(key)]
        self._align(steps)
        found = [np.zeros((*self.pictures.masks.shape[1:], 2), np.float32) for _ in range(len(self.pictures))]
        for frame, nearer in steps:
            found[frame] = after(self._pairs[frame, nearer], found[nearer])
        return found

    def _outward(self, key: int) -> list[int]:
        """The other frames that show the object, the nearest first."""
        shown = np.flatnonzero(self.pictures.masks.any((1, 2))).tolist()
        return sorted((frame for frame in shown if frame != key), key=lambda frame: abs(frame - key))

    def _beside(self, frame: int, end: int) -> int:
        """The next frame towards ``end`` that shows the object, or ``end`` where none between does."""
        step = 1 if end > frame else -1
        between = range(frame + step, end, step) if frame != end else range(0)
        shown = (other for other in between if self.pictures.masks[other].any())
        return next(shown, end)

    def _steps(self, frame: int) -> list[tuple[int, int]]:
        """A frame with each of the next ones, before and after it, that show the object."""
        around = {self._beside(frame, end) for end in (0, len(self.pictures) - 1)} - {frame}
        return [(frame, other) for other in sorted(around) if self.pictures.masks[other].any()]

    def _align(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Finds the fields of frames to others beside them, ``(frame, other)``, where they are not known."""
        masks = self.pictures.masks

        def aligned(pair: tuple[int, int]) -> Array:
            starts = [between_boxes(*(masks[one] for one in pair))]
            if self.pictures.between:
                starts.append(through(self.pictures, *pair))
            return align(self.pictures, *pair, starts, _COARSE)

        missing = [pair for pair in dict.fromkeys(pairs) if pair not in self._pairs]
        self._pairs.update(zip(missing, side_by_side(aligned, missing)))

    def _certainty(self, key: int, frame: int, seen: Array) -> float:
        """The mean of what :meth:`_seen` says over a frame's object; 0 where one of the two frames shows none."""
        mask = self.pictures.masks[frame]
        if not mask.any() or not self.pictures.masks[key].any():
            return 0.0
        return float(seen[mask].mean())

    @cached_property
    def _from_first(self) -> list[Array]:
        return self._chained(0)

    @cached_property
    def _explained(self) -> list[float]:
        """How much of each frame's object its field from frame 0 explains; where it shows none, 1."""
        seen = [self._seen(frame, 0, field) for frame, field in enumerate(self._from_first)]
        return [float(one[mask].mean()) if mask.any() else 1.0 for one, mask in zip(seen, self.pictures.masks)]

    def _seen(self, frame: int, key: int, found: Array) -> Array:
        certain: Array = np.exp(-difference(self.pictures, frame, key, found) / _DOUBT)
        return certain


class DenseModel:
    """See :class:`vp2p.compositing.motion.protocol.MotionModel`. What is as well explained by a similarity is stiff.

    Args:
        between: the frames between each two of the clip, (n, 3, h, w) in 0…255 of any size, where they are known.
        kernel: by which pictures are moved.
    """

    def __init__(self, between: Sequence[Tensor] = (), kernel: Kernel = CUBIC) -> None:
        self._between, self._kernel = between, kernel

    def of_object(self, clip: Tensor, objects: Tensor, behind: Motion) -> Motion:
        """A dense field where the object bends, else a similarity, which is more exact then."""
        dense = replace(dense_motion(clip, objects, self._between), kernel=self._kernel)
        for near, explained in _similarities(dense, objects):
            if explained.mean() >= _BENDS:
                stiff = replace(SIMILARITY.near(clip, objects, behind, near), kernel=self._kernel)
                follows = bool((stiff.confidence >= CONFIDENT).all())
                if follows and dense.explained_by(stiff.matrices).min() >= _STIFF:
                    return stiff
        return dense

    def of_background(self, clip: Tensor, objects: Tensor) -> Motion:
        """A background is stiff."""
        return replace(SIMILARITY.of_background(clip, objects), kernel=self._kernel)


def dense_motion(clip: Tensor, objects: Tensor, between: Sequence[Tensor] = ()) -> DenseMotion:
    """The motion of objects, bool (F, H, W), in a clip (F, 3, H, W) in 0…255.

    Args:
        between: see :class:`DenseModel`.
    """
    size = (clip.shape[-2], clip.shape[-1])
    small = within(size, _SIDE)
    if small != size:
        clip = interpolate(clip, size=small, mode="area")
        objects = interpolate(objects[:, None].float(), size=small, mode="area")[:, 0] > 0.5
    masks = objects.cpu().numpy()
    window = window_of(np.asarray(masks.any(0)), _AROUND)

    def seen(pictures: Tensor) -> Array:
        found: Array = pictures.permute(0, 2, 3, 1).cpu().numpy()[:, window[0], window[1]]
        return found

    steps = [seen(interpolate(one.float(), size=small, mode="area")) for one in between]
    return DenseMotion(ObjectPictures.of(seen(clip), masks[:, window[0], window[1]], steps), window, small, size)


def _similarities(dense: DenseMotion, objects: Tensor) -> Iterator[tuple[Similarity, Tensor]]:
    """What may come near to a motion that is stiff, and what it explains: the similarities next to the fields, then
    turned ones.

    These where the fields are certain, else nothing is known of how stiff it is; and where they explain clearly more.
    """
    device = objects.device
    near = Similarity(torch.from_numpy(np.stack(dense.similarities)).float().to(device), dense.confidence.to(device))
    shares = dense.explained_by(near.matrices)
    yield near, shares
    if bool((dense.confidence >= CONFIDENT).all()):
        ways = torch.stack([near.matrices, *_turned(near, objects)])
        best, chosen = torch.stack([shares, *map(dense.explained_by, ways[1:])]).max(0)
        if float((best - shares).mean()) >= _CLEARLY:
            yield replace(near, matrices=ways[chosen, torch.arange(len(chosen))]), best


def _turned(motion: Similarity, objects: Tensor) -> Tensor:
    """Outlines (F, H, W) on outlines, turned further than a motion in so many ways: (n, F, 2, 3).

    Petals and spokes look alike when they are turned by one, and a dense field may have taken one for the next.
    """
    further = [math.radians(degrees) for degrees in range(-_TURNED, _TURNED + 1, _TURN)]
    first, ways = objects[0].to(motion.matrices), []
    for turn, to, other in zip(motion.turn.tolist(), motion.matrices, objects.to(motion.matrices)):
        if bool(first.any()) and bool(other.any()):
            upright = between_outlines(first, other)
            middle = transform(upright, grid(first.shape, first.device)[:, first > 0].mean(1))
            ways.append(torch.stack([compose(turning(turn + angle, middle), upright) for angle in further]))
        else:
            ways.append(to.expand(len(further), -1, -1))
    return torch.stack(ways, 1)


def _resized(matrix: Array, size: tuple[int, int], to: tuple[int, int]) -> Array:
    """A matrix (2, 3) between frames of one size (H, W) as one between the same frames at another."""
    there = resizing(size, to)
    found: Array = compose(there, compose(torch.from_numpy(matrix), inverse(there))).numpy()
    return found


def _inverse(matrix: Array) -> Array:
    found: Array = inverse(torch.from_numpy(matrix)).numpy()
    return found
