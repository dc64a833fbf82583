"""What changes nothing is said in a note; what is no file is said to be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Make
from tests.cli.running import done, refused

QUICK = ("--candidates", "0", "--no-propagate")


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("--swap", "cat=dog", "--blend-threshold", "1"), "nothing could change: the outline of dog is empty"),
        (("--swap", "cat=dog", "--blend-start", "1", "--no-paste"), ""),
        (("--swap", "cat=cat"), "the edit changes no word"),
        (("--reweight", "cat:1"), "a weight of 1 leaves a word as it is"),
        (
            ("--swap", "cat=dog", "--no-blend", "--blend-threshold", "0.5"),
            "--blend-threshold 0.5 has no effect with --no",
        ),
        (("--swap", "cat=dog", "--no-in-place"), "--no-in-place has no effect with --no-propagate"),
        (("--swap", "cat=dog", "--seed", "7"), "--seed 7 has no effect with --no-propagate"),
        (("--swap", "cat=dog"), ""),
    ],
)
def test_an_edit_or_an_option_without_effect_is_noted(work: Make, words: tuple[str, ...], note: str) -> None:
    work("sd2", "invert")
    ran = done("edit", *words, *QUICK)
    assert note in ran.err if note else "effect" not in ran.err and "nothing could" not in ran.err


@pytest.mark.parametrize("address", ["https://example.org/cat.mp4", "rtsp://camera/1", "s3://bucket/cat.mp4"])
def test_an_address_is_said_to_be_one(work: Make, address: str) -> None:
    work("sd2", "invert")
    for words in (
        ("init", "other", "--video", address, "--prompt", "a cat"),
        ("edit", "--swap", "cat=dog", "--mask", address),
    ):
        ran = refused(2, *words)
        assert "is an address" in ran.cause and "download it first" in ran.hint


def test_an_address_of_a_file_is_typed_as_its_path(tmp_path: Path) -> None:
    ran = refused(2, "init", tmp_path / "w", "--video", "file:///clips/my cat.mp4", "--prompt", "a cat")
    assert ran.hint == "--video '/clips/my cat.mp4'"
