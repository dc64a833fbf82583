"""Registration: the similarity by which one picture's region is found again in another.

Dense optical flow, and the similarity that most of the region's texture follows, again and again on the picture brought
back by what is known so far.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from vp2p.compositing.robust import doubt
from vp2p.video.flow import dense_flow

# Pixels beyond which a point counts little in the fit, round by round: at first all points pull.
_OUTLIERS = (8.0, 2.0, 1.0, 1.0)
# What may be off by so many pixels needs no exact flow, if the pictures are so large that half of it is enough to tell
# thin lines apart: of 128 pixels, drawn bricks ran with what passed before them.
_ROUGH, _LARGE = 2.0, 192
_SETTLED = 0.01  # pixels, on average: a round that changes less is the last
_REWEIGHTINGS = 10
_POINTS = 4096  # of the region with the most texture: more make the fit slower, and no better
_WINDOW = 9  # pixels, as wide as what is compared at once
_LEAST = 0.1  # of a region's weight, seen: from less nothing is told
_FLAT = 1e-8  # of windows in 0…1: below it a window is flat, and like nothing
_BACK = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
Array = np.ndarray


class Region(NamedTuple):
    """What is followed: a grey picture (H, W) float32 in 0…1, points (n, 2) of it, and their weights (n,)."""

    picture: Array
    points: Array
    weights: Array

    @classmethod
    def of(cls, picture: Array, weights: Array) -> Region:
        """The points of a picture that weigh most, by weights (H, W)."""
        flat = weights.ravel()
        chosen = np.flatnonzero(flat > 0)
        if len(chosen) > _POINTS:
            order = np.argsort(flat[chosen], kind="stable")[::-1]
            chosen = np.sort(chosen[order[:_POINTS]])
        rows, columns = np.divmod(chosen, picture.shape[1])
        points = np.stack([columns, rows], axis=1).astype(np.float64)
        return cls(picture, points, flat[chosen].astype(np.float64))

    @property
    def at(self) -> tuple[Array, Array]:
        """The rows and the columns of the points, each (n,)."""
        columns, rows = self.points.T.astype(int)
        return rows, columns

    def moved_by(self, matrix: Array) -> float:
        """By how many pixels a matrix (2, 3) moves the points on average."""
        way = np.linalg.norm(_transformed(matrix, self.points) - self.points, axis=1)
        return float(self.weights @ way / max(self.weights.sum(), 1e-12))


def register(region: Region, frame: Array, shows: Array, guess: Array) -> tuple[float, Array]:
    """The share of the region's weight that follows, and (2, 3), from its pixels to those of ``frame`` (H, W).

    Args:
        shows: (H, W) in 0…1, where the frame shows the region: what is hidden there, or left the picture, has no say.
        guess: (2, 3), where to begin.
    """
    found, share = guess.astype(np.float64), 0.0
    if region.weights.sum() <= 0:
        return 0.0, found
    small = max(frame.shape) < _LARGE
    for outlier in _OUTLIERS:
        flow = dense_flow(region.picture, _brought_back(frame, found), exact=small or outlier < _ROUGH)
        moved = region.points + flow[region.at]
        step, share = fit_similarity(region.points, moved, region.weights * _seen(region, shows, found), outlier)
        found = compose(found, step)
        if outlier < _ROUGH and region.moved_by(step) < _SETTLED:
            break
    return share * likeness(region, frame, shows, found), found


def share_that_follows(region: Region, frame: Array, shows: Array, matrix: Array) -> float:
    """The share of the region's weight, as far as it is seen, that a matrix (2, 3) brings to its place in ``frame``."""
    flow = dense_flow(region.picture, _brought_back(frame, matrix))
    weights = region.weights * _seen(region, shows, matrix)
    follows = 1 / doubt((flow[region.at] ** 2).sum(1) / _OUTLIERS[-1] ** 2)
    return float(weights @ follows / max(weights.sum(), 1e-12))


def _seen(region: Region, shows: Array, matrix: Array) -> Array:
    """How much of each of a region's points is seen where a matrix (2, 3) puts it, 0…1: (n,)."""
    height, width = shows.shape
    there = _transformed(matrix, region.points)
    inside = ((there >= 0) & (there <= (width - 1, height - 1))).all(axis=1)
    columns, rows = there.clip(0, (width - 1, height - 1)).round().astype(int).T
    seen: Array = inside * shows[rows, columns]
    return seen


def _brought_back(frame: Array, found: Array) -> Array:
    """A frame as it is seen where it was before it moved by a matrix (2, 3)."""
    height, width = frame.shape
    back: Array = cv2.warpAffine(frame, found, (width, height), flags=_BACK, borderMode=cv2.BORDER_REPLICATE)
    return back


def likeness(region: Region, frame: Array, shows: Array, matrix: Array) -> float:
    """How alike the region's points are where a matrix (2, 3) puts them, 0…1, by correlation in small windows.

    Flow alone is smooth everywhere, also where nothing was found again. Of points that are not seen there nothing is
    known; where nearly all are not, nothing is alike.
    """
    weights = region.weights * _seen(region, shows, matrix)
    if weights.sum() < _LEAST * region.weights.sum():
        return 0.0
    frame = _brought_back(frame, matrix)
    means = [cv2.blur(image, (_WINDOW, _WINDOW)) for image in (region.picture, frame)]
    products = (region.picture * frame, region.picture**2, frame**2)
    together, one, other = (cv2.blur(product, (_WINDOW, _WINDOW)) for product in products)
    spread = (one - means[0] ** 2).clip(0) * (other - means[1] ** 2).clip(0)
    correlation = (together - means[0] * means[1]) / np.sqrt(spread + _FLAT)
    return float(weights @ correlation[region.at].clip(0, 1) / max(weights.sum(), 1e-12))


def compose(second: Array, first: Array) -> Array:
    """The matrix (2, 3) that does ``first``, then ``second``."""
    composed: Array = np.concatenate(
        [second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2:] + second[:, 2:]], axis=1
    )
    return composed


def _transformed(matrix: Array, points: Array) -> Array:
    moved: Array = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def fit_similarity(points: Array, there: Array, weights: Array, outlier: float) -> tuple[Array, float]:
    """The similarity (2, 3) from ``points`` (n, 2) to ``there``, and the share of the weight that follows it.

    Weighted least squares in closed form (Umeyama, 1991), weighted again by the residuals (Geman and McClure's
    function): a region's border holds points of what lies behind it.
    """
    total = weights.sum()
    matrix, follows = np.eye(2, 3), np.ones_like(weights)
    if total <= 0:
        return matrix, 0.0
    for _ in range(_REWEIGHTINGS):
        w = weights * follows
        w = w / max(w.sum(), 1e-12)
        middle, to = w @ points, w @ there
        p, q = points - middle, there - to
        spread = max(float(w @ (p**2).sum(1)), 1e-12)
        cos = float(w @ (p * q).sum(1)) / spread
        sin = float(w @ (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])) / spread
        linear = np.array([[cos, -sin], [sin, cos]])
        matrix = np.concatenate([linear, (to - linear @ middle)[:, None]], axis=1)
        residual = ((_transformed(matrix, points) - there) ** 2).sum(1)
        follows = 1 / doubt(residual / outlier**2)
    return matrix, float(weights @ follows / total)


def similarity_field(matrix: Array, size: tuple[int, int]) -> Array:
    """How a matrix (2, 3) moves each pixel of a frame (H, W): float32 (H, W, 2), right and down."""
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float32)
    pixels = np.dstack([columns, rows])
    field: Array = (pixels @ matrix[:, :2].T + matrix[:, 2] - pixels).astype(np.float32)
    return field
