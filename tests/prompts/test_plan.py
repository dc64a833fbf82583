"""From words to an edit's plan."""

from __future__ import annotations

import pytest
import torch

from vp2p.errors import PromptError
from vp2p.prompts.plan import plan_words
from vp2p.prompts.swap import swapped_prompt
from vp2p.settings import EditSettings

CAT = "a cat on the grass"


@pytest.fixture
def plan(clip_words):
    def make(source=CAT, steps=10, **settings):
        return plan_words(clip_words, source, EditSettings.of(**settings), steps, 77)

    return make


def words(plan, side):
    prompt, positions = ((plan.source, plan.blend[0]), (plan.target, plan.blend[1]))[side]
    return [word.text for word in prompt.words if set(word.tokens) <= set(positions)]


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"swap": ("cat=dog",)}, "swap"),
        ({"swap": ("cat=dog", "grass=sand")}, "swap"),
        ({"prompt": "a dog on the grass"}, "swap"),
        ({"prompt": "a red cat on the grass"}, "refine"),
        ({"prompt": "a cat"}, "refine"),
        ({"prompt": CAT}, "same"),
        ({"reweight": ("cat:2",)}, "reweight"),
    ],
)
def test_the_kind_follows_from_the_words(plan, settings, kind):
    assert plan(**settings).kind == kind


@pytest.mark.parametrize(
    ("settings", "source", "target"),
    [
        ({"swap": ("cat=dog",)}, ["cat"], ["dog"]),
        ({"swap": ("grass=sand",)}, ["grass"], ["sand"]),
        ({"prompt": "a red cat on the grass"}, ["cat"], ["red", "cat"]),
        ({"prompt": "a red dog on the grass"}, ["cat"], ["red", "dog"]),
        ({"reweight": ("cat:2",)}, ["cat"], ["cat"]),
        ({"swap": ("cat=dog",), "blend": ("grass",)}, ["grass"], ["grass"]),
        ({"swap": ("cat=dog",), "blend": ("cat", "dog")}, ["cat"], ["dog"]),
        ({"prompt": CAT}, [], []),
    ],
)
def test_what_outlines_the_edit(plan, settings, source, target):
    made = plan(**settings)
    assert (words(made, 0), words(made, 1)) == (source, target)


@pytest.mark.parametrize("given", [{"mask": "m.mp4"}, {"mask_text": "cat"}, {"mask_point": ("1,2",)}])
def test_attention_is_looked_at_however_a_mask_is_given(plan, given):
    swap = {"swap": ("cat=dog",)}
    assert plan(**swap, **given).blend == plan(**swap).blend


@pytest.mark.parametrize("settings", [{"prompt": f"a red drawing of {CAT}"}, {"swap": ("cat=dog",), "no_blend": True}])
def test_an_edit_of_the_whole_picture_has_no_outline(plan, settings):
    assert plan(**settings).blend is None


def test_reweighting_acts_inside_the_window_only(plan):
    made = plan(reweight=("cat:3",), cross_replace=0.4)
    (cat,) = made.target.words[1].tokens
    inside, outside = made.at(3), made.at(4)
    assert inside.source[cat, cat] == 3 and inside.keep[cat] == 0
    assert outside.source[:, cat].sum() == 0 and outside.keep[cat] == 1


def test_new_words_may_weigh_more_unless_they_have_a_weight(plan):
    made = plan(prompt="a red dog on the grass", reweight=("red:0.5",), new_weight=2.0)
    assert {word.text: made.weights.table[0, list(word.tokens)].tolist() for word in made.target.words} == {
        "a": [1], "red": [0.5], "dog": [2], "on": [1], "the": [1], "grass": [1],
    }  # fmt: skip
    assert plan(prompt=CAT, new_weight=2.0).kind == "same"


def test_a_word_has_its_own_window(plan):
    made = plan(swap=("cat=dog",), cross_replace=0.2, window=("dog=0.3:0.8",))
    (dog,) = made.target.words[1].tokens
    (grass,) = made.target.words[-1].tokens
    assert made.windows[:, dog].nonzero().flatten().tolist() == [3, 4, 5, 6, 7]
    assert made.windows[:, grass].nonzero().flatten().tolist() == [0, 1]


def test_maps_keep_their_mass(plan):
    """Every target token takes exactly what its partner has, however words split."""
    made = plan(swap=("cat=armadillo",))
    assert len(made.target.ids) == len(made.source.ids) + 1
    total = made.tokens.source.sum(0) + made.tokens.keep
    split = list(made.target.words[1].tokens)
    assert torch.allclose(total[split], torch.tensor(0.5))
    rest = [j for j in range(77) if j not in split]
    assert torch.allclose(total[rest], torch.ones(75))


@pytest.mark.parametrize(
    ("settings", "cause"),
    [
        ({"swap": ("cow=dog",)}, "cow"),
        ({"swap": ("cat",)}, "not a swap"),
        ({"swap": ("=dog",)}, "not a swap"),
        ({"swap": ("cat=",)}, "not a swap"),
        ({"swap": ("cat=dog", "cat=cow")}, "Two swaps"),
        ({"swap": ("cat the=x y",)}, "does not hold the words"),
        ({"reweight": ("red:2",)}, "red"),
        ({"reweight": ("cat:x",)}, "not a number"),
        ({"reweight": ("cat:nan",)}, "not a number"),
        ({"reweight": (":2",)}, "not a word and its weight"),
        ({"reweight": ("cat",)}, "not a word and its weight"),
        ({"reweight": ("cat:2",), "window": ("cat",)}, "not a word and its window"),
        ({"reweight": ("cat:2",), "window": ("cat=0.8:0.2",)}, "not within the steps"),
        ({"reweight": ("cat:2",), "window": ("cat=x",)}, "not a number"),
        ({"reweight": ("cat:2",), "blend": ("cow",)}, "cow"),
        ({"window": ("cat=0:1",)}, "no edit to make"),
        ({"prompt": " "}, "no word"),
    ],
)
def test_mistakes_are_named(plan, settings, cause):
    with pytest.raises(PromptError, match=cause):
        plan(**settings)


def test_a_word_that_is_there_twice_is_picked_by_number(clip_words):
    prompt = "a cat on a cat"
    with pytest.raises(PromptError, match="2 times"):
        swapped_prompt(clip_words, prompt, ("cat=dog",))
    assert swapped_prompt(clip_words, prompt, ("cat#2=dog",))[0] == "a cat on a dog"


def test_a_swap_keeps_the_rest_of_the_text(clip_words):
    assert swapped_prompt(clip_words, "A Cat, on the  grass!", ("cat=dog",))[0] == "A dog, on the  grass!"
