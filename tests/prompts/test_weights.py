"""Weights of words: the same at every step of their window, or changing over all steps of the edit."""

from __future__ import annotations

from typing import Callable

import pytest
from transformers import CLIPTokenizer

from vp2p.errors import PromptError
from vp2p.pipeline.pairs import pairs
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.prompts.weight import Weight, weight_notes
from vp2p.settings import EditSettings

RED = "a red cat on the grass"
AT = 2  # where the token of "red" stands


@pytest.fixture(scope="module")
def make(clip_words: CLIPTokenizer) -> Callable[..., EditPlan]:
    return lambda steps=5, **settings: plan_words(clip_words, RED, EditSettings.of(**settings), steps, 77)


def taken(plan: EditPlan, token: int = AT) -> list[tuple[float, float]]:
    """At each step, how much of the source's map of a token it takes, and how much of its own."""
    maps = (plan.at(step) for step in range(len(plan.weights.table)))
    return [(round(float(one.source[:, token].sum()), 5), round(float(one.keep[token]), 5)) for one in maps]


def test_it_changes_evenly_from_the_noisiest_step_to_the_cleanest(make: Callable[..., EditPlan]) -> None:
    plan = make(reweight=("red:0->3",), cross_replace=1.0)
    assert plan.kind == "reweight"
    assert taken(plan) == [(0, 0), (0.75, 0), (1.5, 0), (2.25, 0), (3, 0)]
    assert taken(plan, AT + 1) == [(1, 0)] * 5


def test_it_counts_outside_of_the_window_too(make: Callable[..., EditPlan]) -> None:
    plan = make(reweight=("red:4->0",), cross_replace=0.4)
    assert taken(plan) == [(4, 0), (3, 0), (0, 2), (0, 1), (0, 0)]
    assert taken(make(reweight=("red:4",), cross_replace=0.4)) == [(4, 0), (4, 0), (0, 1), (0, 1), (0, 1)]


def test_it_begins_where_the_edit_begins(make: Callable[..., EditPlan]) -> None:
    plan = make(reweight=("red:1->3",), strength=0.6, cross_replace=1.0)
    assert [source for source, _ in taken(plan)][2:] == [1, 2, 3]
    assert [source for source, _ in taken(make(1, reweight=("red:2->3",), cross_replace=1.0))] == [2]


def test_a_new_word_may_have_one(make: Callable[..., EditPlan]) -> None:
    plan = make(prompt="a blue cat on the grass", reweight=("blue:-1->1",), cross_replace=0.0, new_weight=7)
    assert [own for _, own in taken(plan)] == [-1, -0.5, 0, 0.5, 1]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("red:2", Weight("red", 2, 2, False)),
        ("red:0->3", Weight("red", 0, 3, True)),
        (" red : -1 -> -2.5 ", Weight("red", -1, -2.5, True)),
        ("a:b:1->1", Weight("a:b", 1, 1, True)),
    ],
)
def test_it_is_read(text: str, wanted: Weight) -> None:
    assert Weight.read(text) == wanted


@pytest.mark.parametrize("text", ["red", ":0->3", "red:", "red:->3", "red:0->", "red:0->3->4", "red:nan->1", "red:0>3"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(PromptError) as caught:
        Weight.read(text)
    assert '--reweight "red:0->3"' in caught.value.hint


@pytest.mark.parametrize("text", ["cat", "cat=2", "cat:0->", "cat:->3", "cat:x", "cat:0>3"])
def test_the_hint_names_the_word(text: str) -> None:
    with pytest.raises(PromptError) as caught:
        Weight.read(text)
    assert '--reweight cat:2, or --reweight "cat:0->3"' in caught.value.hint


def test_what_a_shell_leaves_of_it_is_told() -> None:
    with pytest.raises(PromptError) as caught:
        Weight.read("red:0-")
    assert "quotes" in caught.value.hint


def test_one_that_changes_nothing_is_told() -> None:
    told = weight_notes(("red:1->1", "cat:1", "grass:1->2"))
    assert sum("changes nothing" in note for note in told) == 2


def test_it_is_a_pair_in_python() -> None:
    assert pairs({"reweight": {"red": (0, 3), "cat": 2}})["reweight"] == ["red:0->3", "cat:2"]


def test_a_weight_of_one_outlines_nothing(make: Callable[..., EditPlan]) -> None:
    swap = {"swap": ("cat=dog",)}
    assert make(**swap, reweight=("grass:1",)).blend == make(**swap).blend
    assert make(**swap, reweight=("grass:1->2",)).blend != make(**swap).blend
