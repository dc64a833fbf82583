"""Words, prompts, names and numbers that an edit cannot take: each refused in a sentence, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import PROMPT, Make, save_clip
from tests.cli.running import done, refused, snapshot, vp2p

LONG = " ".join(["cat"] * 40)
EDITS: list[tuple[tuple[str, ...], str, str]] = [
    ((), "no edit to make", "edit --swap OLD=NEW"),
    (("--swap", "bird=dog"), '"bird"', "words of the prompt: a, cat"),
    (("--swap", "rat=dog"), '"rat"', "did you mean cat?"),
    (("--swap", "cat"), "'cat' is not a swap", "--swap cat=dog"),
    (("--swap", "=dog"), "'=dog' is not a swap", "--swap cat=dog"),
    (("--swap", "cat="), "'cat=' is not a swap", "--swap cat=dog"),
    (("--swap", "cat=dog", "--swap", "cat=bird"), "Two swaps change 'cat'", "one --swap"),
    (("--swap", "red car=dog"), "'red car'", "its words are"),
    (("--prompt", ""), "no word", "--prompt"),
    (("--prompt", "..."), "no word", "--prompt"),
    (("--prompt", LONG), "40 tokens", "shorten"),
    (("--swap", "cat=" + "1" * 40), "tokens", "shorten"),
    (("--prompt", PROMPT, "--swap", "cat=dog"), "--prompt and --swap", "only one"),
    (("--prompt", "a cat and a cat", "--reweight", "cat:2"), "2 times", "cat#1, cat#2"),
    (("--prompt", "a cat and a cat", "--reweight", "cat#3:2"), "cat#3", "cat#1, cat#2"),
    (("--swap", "cat=dog", "--reweight", "cat:2"), '"cat"', "words of the prompt"),
    (("--reweight", "cat:x"), "'x'", "--reweight cat:2"),
    (("--reweight", "cat:0-"), "'0-'", '--reweight "cat:0->3"'),
    (("--reweight", "cat"), "'cat'", "--reweight cat:2"),
    (("--reweight", "cat:"), "'cat:' lacks a number", "--reweight cat:2"),
    (("--reweight", ":2"), "':2'", "--reweight red:2"),
    (("--reweight", "cat:nan"), "'nan'", "--reweight cat:2"),
    (("--reweight", "cat:inf"), "'inf'", "--reweight cat:2"),
    (("--swap", "cat=dog", "--window", "dog"), "'dog'", "--window dog=0.1:0.8"),
    (("--swap", "cat=dog", "--window", "dog=x:1"), "'x'", "--window dog=0.1:0.8"),
    (("--swap", "cat=dog", "--window", "dog=0.8:0.1"), "'0.8:0.1'", "--window dog=0.1:0.8"),
    (("--swap", "cat=dog", "--window", "dog=0:2"), "'0:2'", "--window dog=0.1:0.8"),
    (("--swap", "cat=dog", "--window", "cat=0:1"), '"cat"', "words of the prompt"),
    (("--swap", "cat=dog", "--blend", "bird"), '"bird"', "words of the prompt"),
    (("--swap", "cat=dog", "--blend", "cat", "--no-blend"), "--no-blend", "leave out"),
    (("--swap", "cat=dog", "--cross-replace", "1.5"), "1.5", "between 0 and 1"),
    (("--swap", "cat=dog", "--self-replace", "-0.1"), "-0.1", "between 0 and 1"),
    (("--swap", "cat=dog", "--blend-threshold", "nan"), "nan", "--blend-threshold"),
    (("--swap", "cat=dog", "--guidance", "inf"), "inf", "--guidance"),
    (("--swap", "cat=dog", "--guidance", "-1"), "-1", "0 or more"),
    (("--swap", "cat=dog", "--name", "../x"), "'../x'", "--name letters"),
    (("--swap", "cat=dog", "--name", "/tmp/x"), "'/tmp/x'", "--name letters"),
    (("--swap", "cat=dog", "--name", ".hidden"), "'.'", "--name letters"),
    (("--swap", "cat=dog", "--name", ""), "empty", "--name letters"),
    (("--swap", "cat=dog", "--name", "x" * 65), "too long", "--name letters"),
    (("--swap", "cat=bird", "--name", "dog"), "another edit called dog", "dog-2"),
    (("--swap", "cat=dog", "--mask", "nowhere.mp4"), "nowhere.mp4", "--mask"),
    (("--swap", "cat=dog", "--from", "ffff"), "'ffff'", "known: "),
    (("--swap", "cat=dog", "--dtype", "fp16", "--device", "cpu"), "fp16", "--dtype fp32"),
]


@pytest.fixture(scope="module")
def edited(prepared: Make) -> Path:
    """One workspace for all of these: none may change it."""
    return prepared("words", "edit")


@pytest.mark.parametrize(("options", "cause", "hint"), EDITS, ids=[" ".join(edit[0])[:40] or "none" for edit in EDITS])
def test_an_edit_that_cannot_be(edited: Path, options: tuple[str, ...], cause: str, hint: str) -> None:
    before = snapshot(edited)
    ran = refused(2, "-w", edited, "edit", *options)
    assert cause in ran.cause and hint in ran.hint, ran.err
    assert snapshot(edited) == before


def test_optimised_guide_needs_null_text(work: Make) -> None:
    folder = work("words", "tune")
    done("invert", "--method", "direct", "--steps", "2")
    before = snapshot(folder)
    ran = refused(2, "edit", "--swap", "cat=dog", "--guide", "optimised")
    assert "direct" in ran.cause and ran.hint == "vp2p invert --method null-text"
    assert snapshot(folder) == before


@pytest.mark.parametrize("what", ["too short", "not a video", "empty"])
def test_masks_that_cannot_be(edited: Path, tmp_path: Path, what: str) -> None:
    mask = tmp_path / "mask.mp4"
    if what == "too short":
        save_clip(mask, np.zeros((2, 64, 64, 3), dtype=np.uint8), sound=False)
    else:
        mask.write_bytes(b"" if what == "empty" else b"no video at all\n" * 50)
    before = snapshot(edited)
    ran = refused(2 if what == "too short" else 1, "-w", edited, "edit", "--swap", "cat=bird", "--mask", mask)
    assert "mask.mp4" in ran.cause
    assert ("3 frames" in ran.cause and "--mask" in ran.hint) or what != "too short"
    # A failed --force leaves the edit that it was to replace.
    refused(ran.code, "-w", edited, "edit", "--swap", "cat=bird", "--mask", mask, "--name", "dog", "--force")
    assert snapshot(edited) == before


NUMBERS: list[tuple[tuple[str, ...], str]] = [
    (("tune", "--steps", "-1"), "steps is -1"),
    (("tune", "--learning-rate", "0"), "learning_rate is 0.0"),
    (("tune", "--learning-rate", "inf"), "--learning-rate is inf"),
    (("tune", "--gradient-clip", "nan"), "--gradient-clip is nan"),
    (("invert", "--steps", "0"), "steps is 0"),
    (("invert", "--steps", "1001"), "steps is 1001"),
    (("invert", "--inner-steps", "0"), "inner_steps is 0"),
    (("invert", "--tolerance", "-1"), "tolerance is -1.0"),
]


@pytest.mark.parametrize(("words", "cause"), NUMBERS, ids=[" ".join(words) for words, _ in NUMBERS])
def test_numbers_out_of_range(edited: Path, words: tuple[str, ...], cause: str) -> None:
    before = snapshot(edited)
    ran = refused(2, "-w", edited, *words)
    assert cause in ran.cause and words[1] in ran.hint
    assert snapshot(edited) == before


@pytest.mark.parametrize(
    "words",
    [("invert", "--steps", "x"), ("invert", "--method", "magic"), ("edit", "--swop", "a=b"), ("frobnicate",)],
)
def test_what_the_command_line_does_not_know(edited: Path, words: tuple[str, ...]) -> None:
    before = snapshot(edited)
    ran = vp2p("-w", edited, *words)
    assert ran.code == 2 and words[1 if len(words) > 1 else 0] in ran.err
    assert "--help" in ran.hint and "Traceback" not in ran.err and ran.out == ""
    assert snapshot(edited) == before
