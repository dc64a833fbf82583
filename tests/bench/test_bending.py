"""The bending half: all that can happen happens in it, and its scores tell a steady look from a flickering one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vp2p.bench.bending import bending_cases
from vp2p.bench.cases import FRAMES, all_cases
from vp2p.bench.scores import score
from vp2p.bench.truth import truth
from vp2p.sprites.moving import MovingScene, photograph
from vp2p.sprites.pose_judge import PoseJudge

CASES = bending_cases()
BY_ID = {case.id: case for case in CASES}


@pytest.fixture(scope="module")
def judge() -> PoseJudge:
    return PoseJudge(ground_seeds=8)


def test_there_are_forty_in_two_halves_and_they_stay_the_same() -> None:
    assert Counter(case.kind for case in CASES) == {"object": 24, "colour": 6, "texture": 6, "reweight": 4}
    assert Counter(case.split for case in CASES) == {"train": 20, "held-out": 20}
    assert CASES == bending_cases() and not {case.scene.seed for case in CASES} & {
        case.scene.seed for case in all_cases()
    }
    assert all(case.half == "bending" for case in CASES)


@pytest.mark.parametrize("part", ["bend", "camera", "cover", "path"])
def test_everything_that_can_happen_happens_about_as_often(part: str) -> None:
    counted = Counter(getattr(case.scene, part) for case in CASES)
    assert len(counted) >= 5 and min(counted.values()) >= 6
    halves = Counter((getattr(case.scene, part), case.split) for case in CASES)
    assert len(halves) == 2 * len(counted)


def test_some_grounds_are_photographs() -> None:
    scenes = [case.scene for case in CASES if isinstance(case.scene, MovingScene)]
    photographed = [scene for scene in scenes if scene.photo is not None]
    assert len(scenes) == 40 and 3 <= len(photographed) < 20
    assert all(photograph(scene.photo).std() > 0.02 for scene in photographed)


@pytest.mark.parametrize("case_id", ["bend-object-13", "bend-colour-02", "bend-texture-04"])
def test_the_ideal_is_perfect_and_a_flickering_edit_has_two_looks(judge: PoseJudge, case_id: str) -> None:
    case = BY_ID[case_id]
    known = truth(case)
    assert np.array_equal(known.clip[known.kept], known.ideal[known.kept])
    best = score(case, known, known.ideal, known.clip, known.clip, known.ideal, judge)
    assert (best.took, best.true, best.steady, best.along, best.looks) == (1.0, 100.0, 1.0, 1.0, 1)
    none = score(case, known, known.clip, None, known.clip, known.ideal, judge)
    assert none.took == 0 and none.looks == 1
    flickering = known.ideal.copy()
    flickering[::2] = known.clip[::2]
    found = score(case, known, flickering, None, known.clip, known.ideal, judge)
    assert found.took == 0.5 and found.looks == 2 and found.along > 3
    if known.bared is not None:
        assert best.cleared == 100.0 and none.cleared < found.cleared + 6 and none.cleared < 25


def test_a_word_that_weighs_more_has_no_ideal_and_is_judged_along_the_surface(judge: PoseJudge) -> None:
    case = BY_ID["bend-reweight-00"]
    known = truth(case)
    found = score(case, known, known.clip, None, known.clip, known.clip, judge)
    assert known.ideal is None and found.true is None and found.cleared is None
    assert (found.along, found.looks, found.took) == (1.0, 1, 0.0)
    assert known.clip.shape == (FRAMES, 128, 128, 3)
