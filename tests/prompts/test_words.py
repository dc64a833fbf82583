"""Words of a prompt and their tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from transformers import CLIPTokenizer

from vp2p.errors import PromptError
from vp2p.models.loading import LatentModel
from vp2p.prompts.words import find_word, split_prompt, unknown_words, word_spans


def _texts(prompt: str) -> list[str]:
    return [prompt[start:end] for start, end in word_spans(prompt)]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", []),
        ("  a  cat ", ["a", "cat"]),
        ("a cat, red.", ["a", "cat", "red"]),
        ("a Spider-Man's 't-shirt'", ["a", "Spider-Man's", "t-shirt"]),
        ("cat--dog - bird & cats'", ["cat", "dog", "bird", "cats"]),
        ("ein Käfer im cafe\u0301 \U0001f431", ["ein", "Käfer", "im", "cafe\u0301", "\U0001f431"]),
        ("कुत्ता घास पर", ["कुत्ता", "घास", "पर"]),
    ],
)
def test_words_of_a_prompt(prompt: str, words: list[str]) -> None:
    assert _texts(prompt) == words


def test_every_word_has_its_tokens(clip_words: CLIPTokenizer) -> None:
    tokenized = split_prompt(clip_words, "A cat, on the Armadillo grass")
    spans = {word.text: word.tokens for word in tokenized.words}
    assert spans == {"a": (1,), "cat": (2,), "on": (4,), "the": (5,), "armadillo": (6, 7), "grass": (8,)}
    assert len(tokenized.ids) == 10
    assert tokenized.prompt[slice(tokenized.words[1].start, tokenized.words[1].end)] == "cat"


def test_tokens_belong_to_one_word_at_most(clip_words: CLIPTokenizer) -> None:
    tokenized = split_prompt(clip_words, "the spider-man's armadillo, 'red' zebra! café 3.5")
    tokens = [token for word in tokenized.words for token in word.tokens]
    assert tokens == sorted(set(tokens))
    assert all(word.tokens for word in tokenized.words)
    assert 0 not in tokens and len(tokenized.ids) - 1 not in tokens


def test_find_word(clip_words: CLIPTokenizer) -> None:
    tokenized = split_prompt(clip_words, "a cat, and a red cat")
    assert find_word(tokenized, "RED").tokens == (6,)
    assert find_word(tokenized, "cat#1").tokens == (2,)
    assert find_word(tokenized, "cat#2").tokens == (7,)


@pytest.mark.parametrize(
    ("query", "cause", "hint"),
    [
        ("dog", '"dog"', "words of the prompt: a, cat, and, red"),
        ("redd", '"redd"', "did you mean red?"),
        ("cat", "2 times", "cat#1, cat#2"),
        ("cat#3", "cat#3", "cat#1, cat#2"),
        ("red#0", "red#0", "red#1"),
    ],
)
def test_words_that_cannot_be_found(clip_words: CLIPTokenizer, query: str, cause: str, hint: str) -> None:
    tokenized = split_prompt(clip_words, "a cat, and a red cat")
    with pytest.raises(PromptError) as caught:
        find_word(tokenized, query)
    assert cause in caught.value.cause
    assert hint in caught.value.hint


def test_unknown_words(clip_words: CLIPTokenizer) -> None:
    tokenized = split_prompt(clip_words, "a Zebra and a cat and a zebra")
    assert unknown_words({"a", "and", "cat"}, tokenized) == ["zebra"]
    assert unknown_words(None, tokenized) == []


def test_agrees_with_the_released_code(golden: Path, golden_model: LatentModel) -> None:
    for pair in json.loads((golden / "aligner.json").read_text())["pairs"]:
        for side in ("source", "target"):
            tokenized = split_prompt(golden_model.tokenizer, pair[side])
            assert list(tokenized.ids) == pair[f"{side}_ids"]
            assert [list(word.tokens) for word in tokenized.words] == pair[f"{side}_word_inds_by_place"]
