"""The clip's own pixels where the branches agree."""

from __future__ import annotations

import numpy as np

from vp2p.method.paste import paste


def frames(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (2, 48, 48, 3), dtype=np.uint8)


def test_equal_branches_give_the_clip():
    clip, source = frames(0), frames(1)
    assert np.array_equal(paste(clip, source, source), clip)


def test_what_changed_is_the_edits_and_what_did_not_the_clips():
    clip = frames(0)
    source = np.full_like(clip, 90)
    target = source.copy()
    target[:, 16:32, 16:32] = (200, 40, 90)
    found = paste(clip, source, target)
    assert np.array_equal(found[:, 16:32, 16:32], target[:, 16:32, 16:32])
    away = np.ones((48, 48), bool)
    away[10:38, 10:38] = False
    assert np.array_equal(found[:, away], clip[:, away])


def test_a_difference_that_no_one_sees_is_none():
    clip, source = frames(0), np.full((2, 48, 48, 3), 90, np.uint8)
    assert np.array_equal(paste(clip, source, source + 9), clip)
    assert np.array_equal(paste(clip, source, source + 40), source + 40)
