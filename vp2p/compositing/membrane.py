"""Laplace's equation in a hole of a picture: the smoothest way to fill it from its rim."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import csr_matrix, diags
from scipy.sparse.linalg import splu

from vp2p.compositing.shapes import window_of

# Pixels of a hole that is solved by elimination, whose time grows faster than the hole; docs/benchmarks.md has both.
_SMALL = 6_000

_CROSS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4
_DAMPED = 0.8  # Jacobi's iterations smooth best so (Briggs, Henson and McCormick, "A Multigrid Tutorial", chapter 2)
_SMOOTHING = 3  # of them before and after each correction
_COARSEST = 64  # pixels: so few are only smoothed
_CYCLES = 30
_ENOUGH = 0.1  # of 255: the most that the last cycle may change; what is left is about as much


def filled(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The rows of a picture (H, W, 3) in its hole, bool (H, W), once Laplace's equation holds there: (n, 3).

    Beyond the picture's own border all goes on as at the border.
    """
    return _eliminated(picture, hole) if np.count_nonzero(hole) <= _SMALL else _by_multigrid(picture, hole)


def _eliminated(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    inside = hole.ravel()
    pixel = np.arange(inside.size).reshape(hole.shape)
    pairs = np.hstack([(pixel[:, :-1].ravel(), pixel[:, 1:].ravel()), (pixel[:-1].ravel(), pixel[1:].ravel())])
    pairs = np.hstack([pairs, pairs[::-1]])
    pairs = pairs[:, inside[pairs[0]]]
    neighbours = csr_matrix((np.ones(pairs.shape[1]), pairs), shape=(inside.size, inside.size))[inside]
    colours = picture.reshape(inside.size, -1).astype(np.float64)
    laplacian = diags(neighbours.sum(axis=1).A1) - neighbours[:, inside]
    found: np.ndarray = splu(laplacian.tocsc()).solve(neighbours[:, ~inside] @ colours[~inside])
    return found


def _by_multigrid(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """By cycles that smooth the error, and correct what is left of it on a grid of half the size."""
    part = window_of(hole, 1)
    inside = hole[part]
    free = inside.astype(np.float32)[..., None]
    found = _begun(picture[part].astype(np.float32) * (1 - free), free)
    nothing = np.zeros_like(found)
    for _ in range(_CYCLES):
        before, found = found, _cycle(found, nothing, free)
        if np.abs(found - before).max() < _ENOUGH:
            break
    solved: np.ndarray = found[inside]
    return solved


def _begun(shown: np.ndarray, free: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) that is 0 where ``free`` (H, W, 1) is 1, with a first solution there: a coarser grid's."""
    known = 1 - free
    if np.count_nonzero(free) <= _COARSEST or not known.any():
        flat: np.ndarray = shown + free * (shown.sum((0, 1)) / max(known.sum(), 1))
        return flat
    sums, share = (_halved(one, cv2.BORDER_CONSTANT) for one in (shown, known))
    small_free = (share == 0).astype(np.float32)
    small = _begun(sums / np.maximum(share, 1e-6), small_free)
    small = _cycle(small, np.zeros_like(small), small_free)
    height, width = shown.shape[:2]
    small = cv2.resize(small, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)[:height, :width]
    begun: np.ndarray = shown + free * small
    return begun


def _cycle(found: np.ndarray, wanted: np.ndarray, free: np.ndarray) -> np.ndarray:
    """A better solution of ``found = mean of its neighbours + wanted`` where ``free`` (H, W, 1) is 1: (H, W, 3)."""
    found = _smoothed(found, wanted, free, _SMOOTHING)
    if np.count_nonzero(free) <= _COARSEST:
        return _smoothed(found, wanted, free, _COARSEST)
    error = _halved(free * (_mean(found) + wanted - found), cv2.BORDER_CONSTANT)  # nothing is wrong beyond the border
    coarse = (_halved(free, cv2.BORDER_REPLICATE) == 1).astype(np.float32)
    correction = _cycle(np.zeros_like(error), 4 * coarse * error, coarse)
    height, width = found.shape[:2]
    correction = cv2.resize(correction, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)[:height, :width]
    return _smoothed(found + free * correction, wanted, free, _SMOOTHING)


def _smoothed(found: np.ndarray, wanted: np.ndarray, free: np.ndarray, times: int) -> np.ndarray:
    for _ in range(times):
        found = found + _DAMPED * free * (_mean(found) + wanted - found)
    return found


def _mean(found: np.ndarray) -> np.ndarray:
    """Of the four neighbours of each pixel."""
    return cv2.filter2D(found, -1, _CROSS, borderType=cv2.BORDER_REPLICATE)


def _halved(picture: np.ndarray, beyond: int) -> np.ndarray:
    """The means of two by two pixels, (H, W, n), with a border of the kind ``beyond`` where a side is odd."""
    height, width = picture.shape[:2]
    even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, beyond)
    half = cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return half.reshape(*half.shape[:2], -1)
