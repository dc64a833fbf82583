"""Clicks become the options that a person would type."""

from __future__ import annotations

import pytest

from vp2p.ui.show import sentence
from vp2p.ui.words import Change, options, words_of

TWO = ["--reweight=dog#1:2", "--reweight=dog#2:3"]


@pytest.mark.parametrize(
    ("text", "changes", "wanted"),
    [
        ("a cat on the grass", {1: Change("dog")}, ["--swap=cat=dog"]),
        ("a cat on the grass", {1: Change("  baby elephant ")}, ["--swap=cat=baby elephant"]),
        ("a cat on the grass", {4: Change("", 0.5)}, ["--reweight=grass:0.5"]),
        ("a cat on the grass", {1: Change("dog", 2)}, ["--swap=cat=dog", "--reweight=dog:2"]),
        ("a cat and a cat", {4: Change("dog")}, ["--swap=cat#2=dog"]),
        ("a cat, a dog", {1: Change("dog", 2), 3: Change("", 3)}, ["--swap=cat=dog", *TWO]),
        ("a cat", {1: Change("cat", 1.0)}, []),
        ("a cat", {9: Change("dog")}, []),
    ],
)  # fmt: skip
def test_options(text: str, changes: dict[int, Change], wanted: list[str]) -> None:
    assert options(text, changes) == wanted


def test_words_are_those_of_the_prompt() -> None:
    assert words_of("a cat, red-haired: 猫!") == ["a", "cat", "red-haired", "猫"]


def test_what_users_type_is_escaped() -> None:
    shown = sentence("a <b>cat</b>", {1: Change("<img src=x onerror=hurt()>")})
    assert "<img" not in shown and "<b>" not in shown and "&lt;img" in shown
