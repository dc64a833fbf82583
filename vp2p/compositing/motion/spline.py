"""A smooth motion: a B-spline with few knots, fitted to an object's pictures with as little bending as they allow.

It knows no parts, and goes on beyond the object's outline as it does inside, so that another object can move along it.
This is free-form deformation (Rueckert et al. 1999), under the penalty of a thin plate, found by Gauss-Newton steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from vp2p.compositing.motion.alignment import CONTRAST, SPREAD, Array, ObjectPictures, blurred, moved
from vp2p.compositing.robust import doubt

_KNOTS = 7  # along the longer side; 5 and 10 are nearly as good
_BENDING = 1e-2  # weight of the penalty; 3e-3 to 1e-1 differ little
_WIDTHS = (1 / 64, 1 / 128)  # of the longer side, by which the pictures are blurred in turn
_STEPS = 5  # at each width
_OUTLIER = 1.5  # standard deviations of the object's contrast: more of a difference has little say
_ASTRAY = 1 / 64  # of the longer side: what departs further from the spline has little say in its start
_STILL = 1e-7  # knots that no pixel reaches stay where they are


def smooth_field(pictures: ObjectPictures, frame: int, to: int, start: Array, certainty: Array) -> Array:
    """The smooth field from the object of ``frame`` to that of ``to``, float32 (H, W, 2), over the whole window.

    Args:
        start: a field to begin from, with its certainty (H, W) in 0…1.
    """
    mask = pictures.masks[frame].astype(np.float32)
    basis, longer = _basis(*mask.shape), max(mask.shape)
    knots = _fitted(basis, start, certainty * mask + 1e-6, _ASTRAY * longer)
    for width in _WIDTHS:
        here, there = (_channels(pictures, one, width * longer) for one in (frame, to))
        slopes = np.stack(np.gradient(there, axis=(1, 0)))
        weight = np.repeat(mask[..., None], here.shape[-1], 2)
        weight[..., 0] = blurred(mask, 2 * width * longer) > 0.05  # the outline is seen from both of its sides
        shown = pictures.masks[to].astype(np.float32)
        for _ in range(_STEPS):
            field = basis.field(knots)
            apart = here - moved(there, field)
            trusted = weight / doubt((apart / _OUTLIER) ** 2)
            trusted[..., 1:] *= (moved(shown, field) > 0.3)[..., None]
            step = _step(basis, knots, [moved(one, field) for one in slopes], apart, trusted)
            knots = knots + step.clip(-4 * width * longer, 4 * width * longer)
    return basis.field(knots)


@dataclass(frozen=True)
class _Basis:
    """Cubic B-splines over the ``rows`` (H, m) and ``columns`` (W, n) of a picture, and how their sums bend.

    A field has knots (m, n, 2). ``bending`` (m·n, m·n) is the penalty on their second differences.
    """

    rows: Array
    columns: Array
    bending: Array

    def field(self, knots: Array) -> Array:
        """float32 (H, W, 2)."""
        found: Array = np.stack([self.rows @ plane @ self.columns.T for plane in np.moveaxis(knots, -1, 0)], -1)
        return found.astype(np.float32)

    def sums(self, plane: Array) -> Array:
        """A plane (H, W) under each spline: (m·n,)."""
        found: Array = (self.rows.T @ plane @ self.columns).ravel()
        return found

    def products(self, weight: Array) -> Array:
        """A weight (H, W) under each product of two splines: (m·n, m·n)."""
        (height, m), (width, n) = self.rows.shape, self.columns.shape
        down = np.einsum("hi,hj->hij", self.rows, self.rows).reshape(height, m * m)
        across = np.einsum("wk,wl->wkl", self.columns, self.columns).reshape(width, n * n)
        found: Array = (down.T @ weight @ across).reshape(m, m, n, n).transpose(0, 2, 1, 3).reshape(m * n, m * n)
        return found


@lru_cache
def _basis(height: int, width: int) -> _Basis:
    spans = [max(3, round(_KNOTS * side / max(height, width))) for side in (height, width)]
    rows, columns = (_splines(side, count) for side, count in zip((height, width), spans))
    second = [_differences(side.shape[1], 2) for side in (rows, columns)]
    first = [_differences(side.shape[1], 1) for side in (rows, columns)]
    m, n = rows.shape[1], columns.shape[1]
    bending = np.kron(second[0], np.eye(n)) + 2 * np.kron(*first) + np.kron(np.eye(m), second[1])
    return _Basis(rows, columns, _BENDING * bending / (m * n) + _STILL * np.eye(m * n))


def _splines(side: int, spans: int) -> Array:
    """The cubic B-splines over so many spans, at each of ``side`` pixels: (side, spans + 3)."""
    place = (np.arange(side) + 0.5) / side * spans
    span = np.floor(place).astype(int).clip(0, spans - 1)
    t = place - span
    values = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    found = np.zeros((side, spans + 3))
    for offset, value in enumerate(values):
        found[np.arange(side), span + offset] = value / 6
    return found


def _differences(count: int, order: int) -> Array:
    """The quadratic form of the differences of neighbours: (count, count)."""
    matrix = np.diff(np.eye(count), order, axis=0)
    found: Array = matrix.T @ matrix
    return found


def _fitted(basis: _Basis, field: Array, weight: Array, outlier: float) -> Array:
    """The knots (m, n, 2) that follow most of a field."""
    trusted = weight
    for _ in range(4):
        total = trusted.sum()
        sums = np.stack([basis.sums(trusted * field[..., axis]) for axis in (0, 1)], 1)
        knots = np.linalg.solve(basis.products(trusted / total) + basis.bending, sums / total)
        knots = knots.reshape(basis.rows.shape[1], basis.columns.shape[1], 2)
        apart = ((field - basis.field(knots)) ** 2).sum(-1)
        trusted = weight / doubt(apart / outlier**2)
    found: Array = knots
    return found


def _step(basis: _Basis, knots: Array, slopes: list[Array], apart: Array, trusted: Array) -> Array:
    """The Gauss-Newton step (m, n, 2) by slopes and differences (H, W, c) of the pictures."""
    across, down = slopes
    energy = [(trusted * one * other).sum(-1) for one, other in ((across, across), (across, down), (down, down))]
    total = float(energy[0].sum() + energy[2].sum()) / 2 + 1e-6
    xx, xy, yy = (basis.products(plane / total) for plane in energy)
    matrix = np.block([[xx + basis.bending, xy], [xy, yy + basis.bending]])
    pulls = [basis.sums((trusted * slope * apart).sum(-1) / total) for slope in slopes]
    bends = [basis.bending @ knots[..., axis].ravel() for axis in (0, 1)]
    step = np.linalg.solve(matrix, np.concatenate([pull - bend for pull, bend in zip(pulls, bends)]))
    found: Array = step.reshape(2, *knots.shape[:2]).transpose(1, 2, 0)
    return found


def _channels(pictures: ObjectPictures, frame: int, width: float) -> Array:
    """What is compared, float32 (H, W, 4): the object alone on black, and its colours, in standard deviations."""
    mask = pictures.masks[frame].astype(np.float32)[..., None]
    alone = blurred(pictures.alone[frame].astype(np.float32) / CONTRAST, width)
    colours = blurred(pictures.colours[frame] / SPREAD * mask, width) / (blurred(mask, width)[..., None] + 1e-2)
    return np.dstack([alone, colours])
