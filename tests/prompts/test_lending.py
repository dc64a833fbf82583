"""What a word says through the embeddings of the others."""

from __future__ import annotations

from typing import Callable

import pytest
import torch
from torch import Tensor

from vp2p.models.text import encode_prompts
from vp2p.prompts.lending import led_away, weakened_text
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.settings import EditSettings, ModelSettings

RED, PLAIN = "a red cat on the grass", "a cat on the grass"


@pytest.fixture(scope="module")
def latent(words_folder):
    from vp2p.models.loading import load_model

    return load_model(ModelSettings(model=str(words_folder), device="cpu"))


@pytest.fixture
def embed(latent) -> Callable[[str], Tensor]:
    return lambda prompt: encode_prompts(latent, [prompt])


@pytest.fixture
def plan(latent) -> Callable[..., EditPlan]:
    def made(*reweight: str, prompt: str | None = None) -> EditPlan:
        settings = EditSettings.of(reweight=reweight, prompt=prompt)
        return plan_words(latent.tokenizer, RED, settings, 5, latent.tokenizer.model_max_length)

    return made


def test_the_rest_of_a_prompt_without_a_word_is_the_prompt_that_never_had_it(embed, plan):
    found, whole, without = weakened_text(embed, plan("red:0")), embed(RED), embed(PLAIN)
    assert torch.allclose(found[:, 3:], without[:, 2:-1], atol=1e-6)  # a start, "a", then "red" itself
    assert torch.equal(found[:, 2], whole[:, 2]) and not torch.allclose(found, whole)
    half = weakened_text(embed, plan("red:0.5"))
    assert torch.allclose(half, (found + whole) / 2, atol=1e-6)


@pytest.mark.parametrize("weight", ["red:1", "red:3", "red:0->1", "red:-1->1"])
def test_words_that_are_not_weakened_stay(embed, plan, weight: str):
    assert torch.equal(
        weakened_text(embed, plan(weight, prompt="a red dog on the grass")), embed("a red dog on the grass")
    )


def test_a_weight_below_nothing_takes_all_of_a_word_and_no_more(embed, plan):
    assert torch.equal(weakened_text(embed, plan("red:-2")), weakened_text(embed, plan("red:0")))
    assert torch.equal(led_away(embed, plan("red:-2"), embed("")), led_away(embed, plan("red:0"), embed("")))


def test_several_words_and_rows_beside_the_tokens(embed, plan):
    def pooled(prompt: str) -> Tensor:
        return torch.cat([embed(prompt), embed(prompt).mean(1, keepdim=True)], 1)

    asked = plan("red:0", "grass:0")
    found = weakened_text(pooled, asked)
    parts = [weakened_text(pooled, plan(one)) - pooled(RED) for one in ("red:0", "grass:0")]
    assert torch.allclose(found, pooled(RED) + parts[0] + parts[1], atol=1e-6)
    assert torch.allclose(weakened_text(pooled, plan("red:0"))[:, -1], pooled(PLAIN)[:, -1], atol=1e-6)


def test_guidance_leads_away_from_a_weakened_word_and_to_a_stronger_one(embed, plan):
    empty = embed("").expand(3, 2, -1, -1)  # one for each step and frame
    assert torch.allclose(led_away(embed, plan("red:0"), empty), embed(RED).expand_as(empty), atol=1e-6)
    assert torch.allclose(led_away(embed, plan("red:0.5"), empty), (empty + embed(RED)) / 2, atol=1e-6)
    assert torch.allclose(led_away(embed, plan("red:2"), empty), (empty + embed(PLAIN)) / 2, atol=1e-6)
    both = led_away(embed, plan("red:0", "grass:0"), empty)  # no more than all of the way
    assert torch.allclose(both, embed(RED).expand_as(empty), atol=1e-6)
    with_picture = torch.cat([embed(""), torch.ones(1, 4, empty.shape[-1])], 1)
    assert torch.equal(led_away(embed, plan("red:0"), with_picture)[:, -4:], with_picture[:, -4:])


@pytest.mark.parametrize("weight, prompt", [("red:1", None), ("red:0->3", None), ("red:0", "a red dog on the grass")])
def test_guidance_else_stays(embed, plan, weight: str, prompt: str | None):
    empty = embed("")
    assert led_away(embed, plan(weight, prompt=prompt), empty) is empty
