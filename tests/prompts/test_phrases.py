"""The phrases that an edit changes, and the edits of some of them alone."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from transformers import CLIPTokenizer

from vp2p.prompts.phrases import changed_phrases, changing_only, divides, phrases
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.settings import EditSettings

CAT = "a cat is running on the grass"
Make = Callable[..., tuple[EditPlan, EditSettings]]


@pytest.fixture(scope="module")
def make(clip_words: CLIPTokenizer) -> Make:
    def made(source: str, **settings: Any) -> tuple[EditPlan, EditSettings]:
        chosen = EditSettings.of(**settings)
        return plan_words(clip_words, source, chosen, 10, 77), chosen

    return made


def texts(plan: EditPlan) -> list[tuple[str, str]]:
    return [(plan.source.prompt[slice(*one.source)], plan.target.prompt[slice(*one.target)]) for one in phrases(plan)]


@pytest.mark.parametrize(
    ("source", "target", "parts", "places"),
    [
        (
            CAT,
            "a dog is running on the wet sand",
            [("a cat ", "a dog "), ("is running ", "is running "), ("on the grass", "on the wet sand")],
            [0, 2],
        ),
        ("a car on the grass", "an owl on the grass", [("a car ", "an owl "), ("on the grass", "on the grass")], [0]),
        ("a car on the grass", "an owl in the lava", [("a car on ", "an owl in "), ("the grass", "the lava")], [0, 1]),
        ("a red cat on the grass", "a cat on the grass", [("a red cat ", "a cat "), ("on the grass",) * 2], [0]),
        ("on the grass a cat", "on the sand a dog", [("on the grass ", "on the sand "), ("a cat", "a dog")], [0, 1]),
        ("a cat", "a dog with a hat on the sand", [("a cat", "a dog with a hat on the sand")], [0]),
        ("cat", "dog", [("cat", "dog")], [0]),
        (CAT, CAT, [("a cat ",) * 2, ("is running ",) * 2, ("on the grass",) * 2], []),
    ],
)
def test_prompts_fall_into_phrases(
    make: Make, source: str, target: str, parts: list[tuple[str, str]], places: list[int]
) -> None:
    plan, settings = make(source, prompt=target)
    assert texts(plan) == parts and changed_phrases(plan) == places
    assert changing_only(plan, settings, places).words.prompt == target
    assert changing_only(plan, settings, []).words.prompt == source


def test_an_edit_of_one_phrase_leaves_the_others(make: Make) -> None:
    plan, settings = make("a car on the grass", prompt="an owl on the wet sand", cross_replace=0.7)
    one, other = (changing_only(plan, settings, [place]) for place in (0, 1))
    assert (one.words.prompt, other.words.prompt) == ("an owl on the grass", "a car on the wet sand")
    assert one.control.cross_replace == other.control.cross_replace == 0.7
    swapped, settings = make(CAT, swap=("cat=dog", "grass=sand"))
    assert changing_only(swapped, settings, [2]) == EditSettings.of(prompt="a cat is running on the sand")


def test_weights_and_windows_go_with_their_words(make: Make) -> None:
    plan, settings = make(
        "a cat and a dog on the grass",
        prompt="a lion and a lion on the sand",
        reweight=("lion#2:3", "sand:0.5"),
        window=("lion#1=0:0.5", "on=0.2:1"),
    )
    found = {places: changing_only(plan, settings, places).words for places in ((0,), (1,), (2,), (0, 2), (0, 1, 2))}
    assert {places: (one.prompt, one.reweight, one.window) for places, one in found.items()} == {
        (0,): ("a lion and a dog on the grass", (), ("lion#1=0:0.5",)),
        (1,): ("a cat and a lion on the grass", ("lion#1:3",), ()),
        (2,): ("a cat and a dog on the sand", ("sand#1:0.5",), ("on#1=0.2:1",)),
        (0, 2): ("a lion and a dog on the sand", ("sand#1:0.5",), ("lion#1=0:0.5", "on#1=0.2:1")),
        (0, 1, 2): (
            "a lion and a lion on the sand",
            ("lion#2:3", "sand#1:0.5"),
            ("lion#1=0:0.5", "on#1=0.2:1"),
        ),
    }
    for one in found.values():
        make(plan.source.prompt, prompt=one.prompt, reweight=one.reweight, window=one.window)


def test_a_weighted_word_is_a_change(make: Make) -> None:
    plan, _ = make("a red cat on the grass", swap=("grass=sand",), reweight=("red:3",))
    assert changed_phrases(plan) == [0, 1]
    assert changed_phrases(make("a red cat on the grass", reweight=("red:3",))[0]) == [0]


@pytest.mark.parametrize(
    ("settings", "may"),
    [
        ({"swap": ("cat=dog", "grass=sand")}, True),
        ({"swap": ("cat=dog", "running=sleeping")}, True),
        ({"swap": ("cat=dog",)}, False),
        ({"swap": ("cat=dog", "grass=sand"), "per_phrase": False}, False),
        ({"swap": ("cat=dog", "grass=sand"), "paste": False}, False),
        ({"swap": ("cat=dog", "grass=sand"), "no_blend": True}, False),
        ({"swap": ("cat=dog", "grass=sand"), "blend": ("cat",)}, False),
        ({"swap": ("cat=dog", "grass=sand"), "mask": "m.mp4"}, False),
        ({"prompt": "a dog is running on the sand, watercolour"}, True),
        ({"prompt": "watercolour of a dog is running on the sand"}, False),
    ],
)
def test_which_edits_may_be_made_in_layers(make: Make, settings: dict[str, Any], may: bool) -> None:
    plan, chosen = make(CAT, **settings)
    assert divides(plan, chosen) is may
