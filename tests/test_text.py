"""Text of users as it is shown and typed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from vp2p.text import command_line, one_line, quoted, typed, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a [red] cat \\ :smile:", "a [red] cat \\ :smile:"),
        ("\x1b[31mred\x07\x9b", "\\x1b[31mred\\x07\\x9b"),
        ("a\u202eb\u2066\u200f\u061c", "a\\u202eb\\u2066\\u200f\\u061c"),
        ("a\ufeffb\u2028\u00ad\u200b", "a\\ufeffb\\u2028\\xad\\u200b"),
        ("\udcff\ud800", "\\udcff\\ud800"),
        ("👩\u200d🚀 می\u200cدود 🏖\ufe0f ก็ é 猫", "👩\u200d🚀 می\u200cدود 🏖\ufe0f ก็ é 猫"),
        ("🏴\U000e0067\U000e007f x\U000e0041", "🏴\U000e0067\U000e007f x\\U000e0041"),
        ("a\tb\nc", "a\\tb\\nc"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown == visible(visible(text))


def test_a_message_is_one_line_of_bounded_length() -> None:
    assert one_line("a\nb\r\n  c\x1b") == "a b c\\x1b"
    assert len(one_line("x" * 10**6)) <= 2000 and len(one_line("\x1b" * 10**5, 100)) <= 100
    assert quoted("a cat") == repr("a cat") and quoted("cat's") == repr("cat's") and quoted("猫\n") == "'猫'"


@pytest.mark.parametrize(
    "word", ["cat", "a cat", "it's", "a\x1b[31m\n\tb", "x\\y\x07'", "w\udcff [b]", "", "$(ls)", "猫", "\x01" + "1f"]
)
def test_what_is_typed_is_what_was_meant(word: str) -> None:
    told = command_line([sys.executable, "-c", "import os, sys; print(os.fsencode(sys.argv[1]).hex())", word])
    assert typed(word) in told and (word.isprintable() or "\x1b" not in told)
    ran = subprocess.run(["bash", "-c", told], capture_output=True, text=True, check=True)
    assert bytes.fromhex(ran.stdout) == os.fsencode(word)
