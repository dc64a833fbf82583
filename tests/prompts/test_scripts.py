"""Characters as people see them, and words of scripts of every kind, by a real byte-pair tokenizer."""

from __future__ import annotations

import unicodedata

import pytest
from transformers import CLIPTokenizer

from vp2p.errors import PromptError
from vp2p.prompts.scripts import clusters
from vp2p.prompts.words import find_word, split_prompt, word_spans

FLAG, ASTRONAUT, THUMB, KEYCAP, BEACH = "🇩🇪", "👩\u200d🚀", "👍🏽", "1\ufe0f\u20e3", "🏖\ufe0f"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("one", [FLAG, ASTRONAUT, THUMB, KEYCAP, BEACH, ENGLAND, "e\u0301", "กำ"[:1], "क्"])
def test_a_cluster_is_never_parted(one: str) -> None:
    assert [f"x{one}y"[start:end] for start, end in clusters(f"x{one}y")] == ["x", one, "y"]
    assert [(one * 2)[start:end] for start, end in clusters(one * 2)] == [one, one]


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (f"a {BEACH} {FLAG}{THUMB} x", ["a", BEACH, FLAG, THUMB, "x"]),
        ("一只猫", ["一", "只", "猫"]),
        ("猫が草の上にいる", ["猫", "が", "草", "の", "上", "にいる"]),
        ("ネコとらーめん", ["ネコ", "とらーめん"]),
        ("แมวบนหญ้า สวย", ["แมวบนหญ้า", "สวย"]),
        ("고양이가 잔디", ["고양이가", "잔디"]),
        ("گربه می\u200cدود", ["گربه", "می\u200cدود"]),
        ("قِطَّة على", ["قِطَّة", "على"]),
        ("30° © ™ & 100%", ["30", "100"]),
        ("3D打印cat", ["3D", "打", "印", "cat"]),
        ("\ufe0f a \u200d \u0301", ["a"]),
    ],
)
def test_words_of_every_script(prompt: str, words: list[str]) -> None:
    assert [prompt[start:end] for start, end in word_spans(prompt)] == words


@pytest.mark.parametrize(
    ("prompt", "query", "named"),
    [
        ("a 🐱 on", "🐱", "🐱"),
        (f"a {BEACH}", "🏖", BEACH),
        ("a 🏖 x", BEACH, "🏖"),
        (f"{ASTRONAUT} and {FLAG}", FLAG, FLAG),
        (f"{KEYCAP} cat", KEYCAP, KEYCAP),
        ("一只猫在草地上", "草地", "草地"),
        ("แมวบนหญ้า", "แมว", "แมว"),
        ("고양이가 잔디 위에", "고양이", "고양이"),
        (unicodedata.normalize("NFD", "고양이가"), "고양이", unicodedata.normalize("NFD", "고양이")),
        ("a cafe\u0301 x", "café", "cafe\u0301"),
        ("a café x", "CAFE\u0301", "café"),
        ("ｃａｔ on", "cat", "ｃａｔ"),
        ("İstanbul", "istanbul", "İstanbul"),
        ("a straße", "STRASSE", "straße"),
        ("a dog’s bone", "dog's", "dog’s"),
        ("گربه می\u200cدود", "میدود", "می\u200cدود"),
        ("$5 C++ 100%", "$5", "$5"),
        ("$5 C++ 100%", "c++", "C++"),
        ("$5 C++ 100%", "100%", "100%"),
        ("a & b", "&", "&"),
        ("C#2 and c", "C#2", "C#2"),
        ("猫 猫", "猫#2", "猫"),
        ("🐱 🐱", "🐱#1", "🐱"),
    ],
)
def test_what_the_tokenizer_sees_can_be_named(clip_words: CLIPTokenizer, prompt: str, query: str, named: str) -> None:
    tokenized = split_prompt(clip_words, prompt)
    word = find_word(tokenized, query)
    assert prompt[word.start : word.end] == named
    inside = [at for at, (a, b) in enumerate(tokenized.offsets) if a < b and word.start <= a and b <= word.end]
    assert list(word.tokens) == inside and inside


@pytest.mark.parametrize(
    ("prompt", "query"),
    [
        (ASTRONAUT, "👩"),
        (THUMB, "👍"),
        (FLAG, FLAG[:1]),
        ("หญ้า", "ญ"),
        ("an armadillo cat", "armad"),
        ("a cat", "at"),
        ("一只猫", "狗"),
        ("🐱 🐱", "🐱"),
        ("a cat", "cat#" + "9" * 5000),
        ("a cat", "\u200d"),
    ],
)
def test_what_is_a_part_of_a_character_or_a_spaced_word_cannot(
    clip_words: CLIPTokenizer, prompt: str, query: str
) -> None:
    with pytest.raises(PromptError) as caught:
        find_word(split_prompt(clip_words, prompt), query)
    assert caught.value.hint and len(caught.value.cause) < 400


def test_words_that_share_a_token_are_one(clip_words: CLIPTokenizer) -> None:
    for prompt, words, part in (("a 😍😂", ["a", "😍😂"], "😂"), ("と繋がりたい 猫", ["と繋がりたい", "猫"], "繋")):
        tokenized = split_prompt(clip_words, prompt)
        assert [word.text for word in tokenized.words] == words
        with pytest.raises(PromptError):
            find_word(tokenized, part)
