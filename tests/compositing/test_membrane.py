"""Holes filled by elimination and by multigrid: the same membrane."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from vp2p.compositing import membrane


def _picture(height: int, width: int) -> np.ndarray:
    """Colours that change within a few pixels, so that the rim is as uneven as photographs'."""
    coarse = np.random.default_rng(0).random((height // 6, width // 6, 3), np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * 255


def _ellipse(shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    hole = np.zeros(shape, np.uint8)
    cv2.ellipse(hole, (shape[1] // 2, shape[0] // 2), size, 20, 0, 360, 1, -1)
    return hole > 0


def _holes() -> dict[str, np.ndarray]:
    whole = _ellipse((220, 240), (90, 60))
    corner = np.zeros((201, 233), bool)
    corner[:90, :150] = corner[180:, 190:] = True
    half = np.zeros((161, 160), bool)
    half[:, 50:] = True
    return {"whole": whole, "ring": whole & ~_ellipse((220, 240), (60, 40)), "corner": corner, "half": half}


@pytest.mark.parametrize("name", _holes())
def test_multigrid_finds_what_elimination_finds(name: str) -> None:
    hole = _holes()[name]
    picture = _picture(*hole.shape)
    exact = membrane._eliminated(picture, hole)
    found = membrane._by_multigrid(picture, hole)
    assert found.shape == exact.shape == (hole.sum(), 3)
    assert np.abs(found - exact).max() < 0.3  # of 255
    assert np.ptp(exact) > 20


def test_a_large_hole_goes_to_multigrid_and_leaves_the_picture() -> None:
    hole = _holes()["whole"]
    picture = _picture(*hole.shape)
    before = picture.copy()
    assert hole.sum() > membrane._SMALL
    assert np.array_equal(membrane.filled(picture, hole), membrane._by_multigrid(picture, hole))
    assert np.array_equal(picture, before)
    small = _ellipse(hole.shape, (20, 20))
    assert np.array_equal(membrane.filled(picture, small), membrane._eliminated(picture, small))
