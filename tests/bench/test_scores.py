"""The scores: perfect for the ideal edit, telling for none and for a wrong one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vp2p.bench.cases import FRAMES, all_cases
from vp2p.bench.gmsd import gmsd
from vp2p.bench.scores import score
from vp2p.bench.steady import unsteadiness
from vp2p.bench.took import colour_strength, took
from vp2p.bench.truth import truth
from vp2p.sprites.pose_judge import PoseJudge
from vp2p.sprites.scenes import Scene

CASES = {case.id: case for case in all_cases()}


@pytest.fixture(scope="module")
def judge() -> PoseJudge:
    return PoseJudge(ground_seeds=8)


@pytest.mark.parametrize(
    "case_id", ["object-04", "colour-01", "texture-05", "place-00", "style-01", "style-02", "two-03"]
)
def test_the_ideal_is_perfect_and_the_clip_itself_did_not_take(judge: PoseJudge, case_id: str):
    case = CASES[case_id]
    known = truth(case)
    best = score(case, known, known.ideal, known.clip, known.clip, known.ideal, judge)
    assert (best.took, best.true, best.distance, best.steady, best.rebuilt) == (1.0, 100.0, 0.0, 1.0, 100.0)
    assert best.kept is None if known.kept is None else best.kept > 60
    none = score(case, known, known.clip, None, known.clip, known.ideal, judge)
    assert none.took == 0 and none.true < 25 and none.distance > 0.02 and none.rebuilt is None
    assert none.kept in (None, 100.0)
    if "object" in none.parts and "object" not in case.asked:
        assert none.parts["object"] == 1.0


def test_each_frame_is_judged_alone(judge: PoseJudge):
    case = CASES["object-00"]
    known = truth(case)
    half = np.concatenate([known.ideal[:2], known.clip[2:4], known.ideal[4:]])
    assert took(case, known, half, known.clip, judge) == {"object": [True, True, False, False, True, True, True, True]}


def test_damage_outside_the_objects_costs_kept_alone(judge: PoseJudge):
    case = CASES["object-00"]
    known = truth(case)
    damaged = known.ideal.copy()
    damaged[known.kept] = np.clip(damaged[known.kept].astype(int) + 12, 0, 255)
    found = score(case, known, damaged, None, known.clip, known.ideal, judge)
    assert found.kept == pytest.approx(20 * np.log10(255 / 12), abs=0.5)
    assert found.took == 1.0 and found.steady == pytest.approx(1, abs=0.05)


def test_a_clip_of_which_nothing_is_kept_has_no_score_of_that(judge: PoseJudge):
    case = CASES["object-00"]
    known = truth(case)
    nothing = replace(known, kept=np.zeros_like(known.kept))
    found = score(case, nothing, known.ideal, None, known.clip, known.ideal, judge)
    assert found.kept is None and found.took == 1.0


@pytest.mark.parametrize(("case_id", "change"), [("reweight-00", 1.3), ("reweight-03", 0.6)])
def test_a_weight_takes_if_the_colour_moves_its_way(judge: PoseJudge, case_id: str, change: float):
    case = CASES[case_id]
    known = truth(case)
    natural = case.scene.replace(colour=None).render(FRAMES).astype(float)
    strength = colour_strength(case, known.clip)
    assert strength == pytest.approx(np.ones(FRAMES), abs=0.02)
    assert colour_strength(case, np.uint8(natural)) == pytest.approx(np.zeros(FRAMES), abs=0.02)
    moved = np.uint8(np.clip(natural + change * (known.clip - natural), 0, 255))
    found = score(case, known, moved, None, known.clip, known.clip, judge)
    assert found.took == 1.0 and found.true is None and found.distance is None and found.kept == 100.0
    against = np.uint8(np.clip(natural + (2 - change) * (known.clip - natural), 0, 255))
    assert score(case, known, against, None, known.clip, known.clip, judge).took == 0.0
    assert score(case, known, known.clip, None, known.clip, known.clip, judge).took == 0.0


def test_gmsd_grows_with_damage_and_is_blind_to_a_constant():
    frames = Scene("cat", "bricks", seed=1).render(1)
    noise = np.random.default_rng(0).normal(size=frames.shape)
    slightly, much = (np.uint8(np.clip(frames + scale * noise, 0, 255)) for scale in (8, 40))
    assert gmsd(frames, frames) == 0
    assert 0 < gmsd(frames, slightly) < gmsd(frames, much) < 0.6
    assert gmsd(frames, slightly) == pytest.approx(gmsd(slightly, frames))
    dark = np.uint8(frames // 2)
    assert gmsd(dark, dark + 60) == pytest.approx(0, abs=1e-9)


def test_gmsd_of_one_edge_is_what_its_definition_gives():
    # A vertical edge of height h has the Prewitt gradient h in two columns of the halved picture.
    first = np.zeros((1, 16, 16, 3), np.uint8)
    first[:, :, 8:] = 90
    second = np.zeros_like(first)
    second[:, :, 8:] = 30
    on_edge = (2 * 90 * 30 + 170) / (90**2 + 30**2 + 170)
    similarity = np.array([1, 1, on_edge, on_edge, 1, 1])
    assert gmsd(first, second) == pytest.approx(similarity.std(), rel=1e-6)


@pytest.mark.parametrize("path", ["slide", "bounce", "turn", "grow", "leave"])
def test_undoing_the_motion_leaves_a_steady_object_still(path: str):
    scene = Scene("car", "sand", "red", path=path, seed=4)
    frames, poses = scene.render(6), scene.poses(6)
    flickering = frames.copy()
    flickering[::2] = scene.replace(colour="yellow").render(6)[::2]
    moving = unsteadiness(frames, [poses[0]] * 6)
    steady = unsteadiness(frames, poses)
    assert steady < 0.006 and steady < moving / 3
    assert unsteadiness(flickering, poses) > 5 * steady
