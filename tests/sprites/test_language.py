"""The language: captions read well, and every word of it is one token."""

from __future__ import annotations

from pathlib import Path

import pytest

from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, STYLES, TEXTURES, WORDS, caption
from vp2p.sprites.tokenizer import MAX_LENGTH, build_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory):
    return build_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def test_the_language_has_the_promised_size():
    assert len(set(OBJECTS)) >= 24
    assert (len(set(COLOURS)), len(set(TEXTURES)), len(set(PLACES)), len(STYLES)) == (7, 3, 8, 2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("cat", "grass"), "a cat on the grass"),
        (("owl", "sand"), "an owl on the sand"),
        (("owl", "sand", "red"), "a red owl on the sand"),
        (("cat", "grass", "red", "striped"), "a striped red cat on the grass"),
        (("cat", "snow", None, None, "sketch"), "a pencil sketch of a cat on the snow"),
        (("elephant", "lava", None, None, "neon"), "a neon sign of an elephant on the lava"),
    ],
)
def test_captions(words: tuple[str | None, ...], expected: str):
    assert caption(*words) == expected
    assert set(expected.split()) <= set(WORDS)


def test_every_word_is_one_token_wherever_it_stands(tokenizer):
    for obj in OBJECTS:
        text = caption(obj, PLACES[0], COLOURS[0], TEXTURES[0], "sketch")
        tokens = tokenizer(text, add_special_tokens=False).input_ids
        assert tokenizer.convert_ids_to_tokens(tokens) == [f"{word}</w>" for word in text.split()]
    assert all(len(tokenizer(word, add_special_tokens=False).input_ids) == 1 for word in WORDS)


def test_unknown_words_fall_apart_and_keep_their_letters(tokenizer):
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("zeppelin", add_special_tokens=False).input_ids)
    assert len(pieces) > 1
    assert "".join(pieces) == "zeppelin</w>"


def test_offsets_and_padding(tokenizer):
    encoded = tokenizer("a Red cat", padding="max_length", return_offsets_mapping=True)
    assert len(encoded.input_ids) == MAX_LENGTH
    assert encoded.offset_mapping[1:4] == [(0, 1), (2, 5), (6, 9)]


def test_a_saved_tokenizer_loads_the_same(tokenizer, tmp_path: Path):
    from transformers import CLIPTokenizer

    build_tokenizer(tmp_path)
    text = "a spotted blue zebra on the wood"
    assert CLIPTokenizer.from_pretrained(tmp_path)(text).input_ids == tokenizer(text).input_ids
