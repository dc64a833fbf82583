"""Swaps with alternatives: each combination is one edit, and a bar can still be a bar."""

from __future__ import annotations

import pytest

from vp2p.errors import PromptError, UsageError
from vp2p.prompts.alternatives import alternatives, as_typed
from vp2p.settings import EditSettings


def swaps(*typed: str) -> list[tuple[str, ...]]:
    return [one.words.swap for one in alternatives(EditSettings.of(swap=typed))]


def test_each_alternative_is_the_edit_that_it_is_alone() -> None:
    found = alternatives(EditSettings.of(swap=("cat=dog| rabbit",), candidates=3))
    assert found == [EditSettings.of(swap=(swap,), candidates=3) for swap in ("cat=dog", "cat=rabbit")]


def test_several_swaps_make_every_combination_in_order() -> None:
    assert swaps("cat=dog|fox", "grass=sand|snow") == [
        ("cat=dog", "grass=sand"),
        ("cat=dog", "grass=snow"),
        ("cat=fox", "grass=sand"),
        ("cat=fox", "grass=snow"),
    ]


@pytest.mark.parametrize("typed", ["cat=dog", "a|b=dog", "cat=", "cat", "a=b=c", " cat = dog "])
def test_what_has_no_alternatives_stays_as_it_is(typed: str) -> None:
    assert [one for (one,) in swaps(typed)] == [typed]


def test_an_edit_that_is_asked_for_twice_is_made_once() -> None:
    assert swaps("cat=dog|fox|dog") == [("cat=dog",), ("cat=fox",)]


@pytest.mark.parametrize("swap", ["cat=a|b", "a|b=dog", "|=dog", r"cat=a\|b", "cat=|"])
def test_a_bar_of_the_word_itself_can_be_typed(swap: str) -> None:
    assert swaps(as_typed(swap)) == [(swap,)]


def test_no_edit_without_a_swap_is_lost() -> None:
    assert alternatives(EditSettings.of(prompt="a | b")) == [EditSettings.of(prompt="a | b")]


@pytest.mark.parametrize("typed", ["cat=dog|", "cat=|dog", "cat=dog||fox", "cat= | "])
def test_an_empty_alternative_is_refused(typed: str) -> None:
    with pytest.raises(PromptError, match="empty alternative"):
        swaps(typed)


def test_too_many_are_refused() -> None:
    numbers = "|".join(map(str, range(4)))
    assert len(swaps(f"cat={numbers}", f"grass={numbers}")) == 16
    with pytest.raises(UsageError, match="make 64 edits"):
        swaps(f"cat={numbers}", f"grass={numbers}", f"a={numbers}")
