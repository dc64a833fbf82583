"""An object grown from a point, on drawn clips whose masks are known."""

from __future__ import annotations

import numpy as np
import torch

from vp2p.compositing.grown import Mark, grown
from vp2p.compositing.pixels import planes
from vp2p.compositing.track import track_object
from vp2p.sprites.scenes import Scene

FRAMES, SIDE = 5, 96


def drawn(**words: str) -> tuple[np.ndarray, np.ndarray]:
    scene = Scene(**{"object": "cat", "place": "grass", "path": "bounce", **words}, seed=3)
    return scene.render(FRAMES, SIDE), scene.masks(FRAMES, SIDE)


def inside(mask: np.ndarray, frame: int) -> Mark:
    """The pixel of an object that is nearest to its middle."""
    rows, columns = np.nonzero(mask[frame])
    place = np.hypot(rows - rows.mean(), columns - columns.mean()).argmin()
    return Mark(frame, float(columns[place]), float(rows[place]), True)


def overlap(found: torch.Tensor | np.ndarray, known: np.ndarray) -> float:
    """Intersection over union, in the mean of the frames."""
    found = np.asarray(found)
    return float(np.mean([(a & b).sum() / (a | b).sum() for a, b in zip(found, known)]))


def test_a_cat_on_the_grass_is_found_from_one_point() -> None:
    frames, known = drawn()
    for frame in (0, FRAMES - 1):  # followed forwards, and backwards
        coarse = grown(planes(frames), [inside(known, frame)])
        assert coarse.shape == known.shape and coarse.dtype == torch.bool
        assert overlap(track_object(planes(frames), planes(frames), coarse.float()).objects, known) > 0.93


def test_the_same_point_gives_the_same_mask() -> None:
    frames, known = drawn(path="slide")
    marks = [inside(known, 0)]
    first = grown(planes(frames), marks)
    np.random.seed(5)
    torch.manual_seed(5)
    assert torch.equal(first, grown(planes(frames), marks))


def test_a_mark_beside_the_object_parts_it_from_what_it_touches() -> None:
    frames = np.full((2, 64, 64, 3), (60, 140, 60), np.uint8)
    frames += np.random.default_rng(0).integers(0, 12, frames.shape, dtype=np.uint8)
    frames[:, 20:44, 12:32] = (220, 60, 40)
    frames[:, 20:44, 32:52] = (40, 60, 220)
    red = np.zeros((2, 64, 64), bool)
    red[:, 20:44, 12:32] = True
    both = grown(planes(frames), [Mark(0, 22, 32, True)])
    alone = grown(planes(frames), [Mark(0, 22, 32, True), Mark(0, 42, 32, False)])
    assert both[:, 30, 48].all() and not alone[:, 30, 40:].any()
    assert overlap(alone, red) > 0.6


def test_pictures_of_one_colour_and_marks_at_the_edge_do_no_harm() -> None:
    plain = np.full((2, 40, 30, 3), 90, np.uint8)
    for x, y in ((0, 0), (29, 39), (15, 20)):
        found = grown(planes(plain), [Mark(1, x, y, True)])
        assert found.shape == (2, 40, 30) and bool(found[1, y, x])
