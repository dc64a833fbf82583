"""Swaps of any length: what they make of the prompt, and whose maps the new words take."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from transformers import CLIPTokenizer

from vp2p.prompts.articles import article
from vp2p.prompts.phrases import changing_only, divides
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.prompts.swap import swapped_prompt
from vp2p.settings import EditSettings

Make = Callable[..., EditPlan]


@pytest.fixture(scope="module")
def make(clip_words: CLIPTokenizer) -> Make:
    return lambda source, **settings: plan_words(clip_words, source, EditSettings.of(**settings), 10, 77)


@pytest.mark.parametrize(
    ("prompt", "swaps", "wanted"),
    [
        ("a cat on the grass", ("cat=elephant",), "an elephant on the grass"),
        ("an owl on the grass", ("owl=cat",), "a cat on the grass"),
        ("an owl on the grass", ("owl=eagle",), "an eagle on the grass"),
        ("a cat on the grass", ("cat=baby elephant",), "a baby elephant on the grass"),
        ("A cat and a dog", ("cat=orange fox", "dog=owl"), "An orange fox and an owl"),
        ("a red cat", ("red=orange", "cat=owl"), "an orange owl"),
        ("a cat on the grass", ("cat=an elephant",), "an elephant on the grass"),
        ("the cat on a hill", ("cat=an old owl", "hill=island"), "an old owl on an island"),
        ("a cat", ("a=the", "cat=owl"), "the owl"),
        ("a jeep car is moving", ("jeep car=sports car",), "a sports car is moving"),
        ("a big red car, outside", ("big red car=owl",), "an owl, outside"),
        ("vitamin-a cat", ("cat=owl",), "vitamin-a owl"),
        ("the cat", ("cat=owl",), "the owl"),
        ("a  cat", ("cat=owl",), "an  owl"),
    ],
)
def test_the_article_follows(clip_words: CLIPTokenizer, prompt: str, swaps: tuple[str, ...], wanted: str) -> None:
    target, made = swapped_prompt(clip_words, prompt, swaps)
    assert target == wanted and len(made) == len(swaps)
    for swap, one in zip(swaps, made):
        assert target[slice(*one.new)] in swap.partition("=")[2]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        *((word, "an") for word in ("owl", "Elephant", "hour", "honest", "unusual", "uncle", "umbrella", "8", "11")),
        *((word, "a") for word in ("cat", "unicorn", "used car", "European", "one-eyed cat", "UFO", "house", "110")),
    ],
)
def test_the_article_is_that_of_the_sound(word: str, wanted: str) -> None:
    assert article(word) == wanted


def columns(plan: EditPlan, words: str) -> list[dict[str, float]]:
    """Of each token of the target's ``words``, how much it takes of the maps of each source word."""
    found = []
    for word in plan.target.words:
        if word.text in words.split():
            for token in word.tokens:
                taken = {
                    one.text: float(plan.tokens.source[list(one.tokens), token].sum()) for one in plan.source.words
                }
                found.append({text: share for text, share in taken.items() if share})
    return found


def test_a_longer_phrase_shares_the_map_of_the_word(make: Make) -> None:
    plan = make("a cat on the grass", swap=("cat=purple elephant",))
    assert plan.kind == "swap" and plan.replaces and plan.changed_words == ("purple", "elephant")
    assert columns(plan, "purple elephant") == [{"cat": 0.5}, {"cat": 0.5}]
    assert columns(plan, "a on the grass") == [{"a": 1}, {"on": 1}, {"the": 1}, {"grass": 1}]
    taken = plan.tokens.source.sum(1)
    assert taken[: len(plan.source.ids) - 1].eq(1).all() and not plan.tokens.keep.any()


def test_a_shorter_phrase_takes_all_maps(make: Make) -> None:
    plan = make("a striped red cat on the grass", swap=("striped red cat=owl",))
    assert plan.target.prompt == "an owl on the grass"
    assert columns(plan, "owl") == [{"striped": 1, "red": 1, "cat": 1}]
    assert columns(plan, "an grass") == [{"a": 1}, {"grass": 1}]
    assert plan.blend and [len(side) for side in plan.blend] == [3, 1]


def test_what_both_begin_or_end_with_keeps_its_own(make: Make) -> None:
    plan = make("a striped red car on the grass", swap=("striped red car=black car",))
    assert columns(plan, "black car") == [{"striped": 1, "red": 1}, {"car": 1}]


@pytest.mark.parametrize(
    ("swap", "prompt"),
    [("cat=red cat", "a red cat on the grass"), ("jeep car=car", "a car"), ("jeep car=sports car", "a sports car")],
)
def test_words_that_are_only_added_taken_away_or_paired_are_as_by_prompt(make: Make, swap: str, prompt: str) -> None:
    source = "a jeep car" if "car" in swap else "a cat on the grass"
    mine, other = make(source, swap=(swap,)), make(source, prompt=prompt)
    assert mine.alignment == other.alignment and torch.equal(mine.tokens.source, other.tokens.source)


def test_a_prompt_keeps_its_meaning(make: Make) -> None:
    mine = make("a cat on the grass", prompt="a purple elephant on the grass")
    assert mine.kind == "refine" and columns(mine, "purple elephant") == [{}, {"cat": 1}]


def test_a_phrase_shares_even_where_it_has_as_many_tokens(make: Make) -> None:
    plan = make("a narwhal on the grass", swap=("narwhal=red white cat",))
    old = list(plan.source.words[1].tokens)
    assert len(old) == 3 and torch.equal(plan.tokens.source[old][:, 2:5], torch.full((3, 3), 1 / 3))


def test_layers_know_their_phrases(make: Make) -> None:
    settings = EditSettings.of(swap=("grass=wet white sand", "cat=elephant"), reweight=("white:2",))
    plan = make("a cat on the grass", swap=settings.words.swap, reweight=settings.words.reweight)
    assert divides(plan, settings)
    one, other = (changing_only(plan, settings, [place]) for place in (0, 1))
    assert (one.words.swap, one.words.reweight) == (("cat=elephant",), ())
    assert (other.words.swap, other.words.reweight) == (("grass=wet white sand",), ("white#1:2",))
    made = [make("a cat on the grass", swap=each.words.swap, reweight=each.words.reweight) for each in (one, other)]
    assert [each.target.prompt for each in made] == ["an elephant on the grass", "a cat on the wet white sand"]


def test_a_swap_over_several_phrases_is_not_divided(make: Make) -> None:
    swaps = ("cat on the grass=dog on the sand", "day=rainy night")
    plan = make("a cat on the grass by day", swap=swaps)
    assert plan.alignment.phrases and not divides(plan, EditSettings.of(swap=swaps))
    alone = make("a cat on the grass by day", swap=swaps[:1])
    assert divides(alone, EditSettings.of(swap=swaps[:1]))
