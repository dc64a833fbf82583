"""The cases: the same every time, evenly split, and each an edit whose words lead to its ideal."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from vp2p.bench.cases import FRAMES, all_cases
from vp2p.bench.selecting import select
from vp2p.bench.truth import truth
from vp2p.errors import UsageError
from vp2p.models.sources import BUNDLED, find_model
from vp2p.sprites.language import OBJECTS

CASES = all_cases()


def test_there_are_sixty_and_they_stay_the_same():
    kinds = Counter(case.kind for case in CASES)
    assert kinds == {"object": 24, "colour": 8, "texture": 6, "reweight": 6, "place": 8, "style": 4, "two": 4}
    assert len({case.id for case in CASES}) == len({case.scene.seed for case in CASES}) == 60
    assert CASES == all_cases()


def test_the_split_halves_every_kind():
    for kind in {case.kind for case in CASES}:
        splits = Counter(case.split for case in CASES if case.kind == kind)
        assert splits["train"] == splits["held-out"]


def test_everything_moves_and_every_path_is_there():
    assert Counter(case.scene.path for case in CASES).keys() == {"slide", "bounce", "turn", "grow", "leave"}
    assert min(Counter(case.scene.path for case in CASES).values()) == 12


def test_each_object_is_swapped_out_once_and_in_once():
    swaps = [case for case in CASES if case.kind == "object"]
    assert {case.scene.object for case in swaps} == {case.ideal.object for case in swaps} == set(OBJECTS)
    assert all(case.scene.object != case.ideal.object for case in swaps)


def test_the_edits_words_are_those_of_the_ideal():
    from vp2p.models.folder import read_folder
    from vp2p.models.tokenizing import load_tokenizer
    from vp2p.prompts.plan import plan_words

    tokenizer = load_tokenizer(read_folder(find_model(BUNDLED)))
    for case in CASES:
        plan = plan_words(tokenizer, case.scene.prompt, case.edit, 10, tokenizer.model_max_length)
        wanted = case.scene if case.ideal is None else case.ideal
        assert plan.target.prompt.split()[1:] == wanted.prompt.split()[1:]  # but for a and an
        if case.kind == "reweight":
            assert plan.kind == "reweight" and case.stronger == (float(plan.weights.table.max()) > 1)


@pytest.mark.parametrize("kind", ["object", "colour", "texture", "two"])
def test_the_ideal_equals_the_clip_where_nothing_may_change(kind: str):
    case = next(case for case in CASES if case.kind == kind)
    known = truth(case)
    assert known.clip.shape == known.ideal.shape == (FRAMES, 128, 128, 3)
    assert 0.2 < known.kept.mean() < 0.9
    assert np.array_equal(known.clip[known.kept], known.ideal[known.kept])
    assert (known.clip != known.ideal)[~known.kept].any()


def test_an_edit_of_the_place_keeps_the_object():
    known = truth(next(case for case in CASES if case.kind == "place"))
    differs = np.abs(known.clip.astype(int) - known.ideal)
    assert differs[known.kept].max() <= 1 and differs[~known.kept].mean() > 20


def test_an_edit_of_everything_keeps_nothing():
    nothing = {case.id for case in select(["place-*", "style-*", "two-*"]).values() if truth(case).kept is None}
    assert nothing == {"style-00", "style-01", "style-02", "style-03", "two-01", "two-03"}


def test_cases_are_selected_by_id_pattern_and_split():
    assert list(select(["object-03"])) == ["object-03"]
    assert list(select(["style-*", "object-00"])) == ["object-00", "style-00", "style-01", "style-02", "style-03"]
    assert len(select(["stiff/held-out"])) == 30 and len(select(["stiff"])) == 60
    assert len(select(["bending"])) == 40 and len(select(["held-out"])) == 50 and len(select([])) == 100
    with pytest.raises(UsageError, match="No case fits 'objct-1'"):
        select(["object-00", "objct-1"])


def test_other_drawings_of_the_bending_half_are_no_part_of_the_benchmark():
    further = select(["bend1-object-*", "bend2-colour-00"])
    assert len(further) == 22 and not set(further) & set(select([]))
    known = {case.scene.seed for case in select([]).values()}
    assert not known & {case.scene.seed for case in further.values()}
    assert all(case.scene.object != case.ideal.object for case in further.values() if case.kind == "object")
    assert set(select(["held-out", "bend1-object-00"])) == {*select(["held-out"]), "bend1-object-00"}
