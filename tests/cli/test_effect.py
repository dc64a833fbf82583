"""What changes nothing is said in a note; what is no file is said to be none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Make
from tests.cli.running import done, refused
from vp2p.workspace import Workspace

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
        (("--swap", "cat=dog", "--mask-grow", "2"), "--mask-grow 2 has no effect without --mask-text or --mask-point"),
        (("--swap", "cat=dog", "--grid", "mask_grow=0,3"), "--mask-grow 3 has no effect without --mask-text"),
        (("--swap", "cat=dog"), ""),
    ],
)
def test_an_edit_or_an_option_without_effect_is_noted(work: Make, words: tuple[str, ...], note: str) -> None:
    work("sd2", "invert")
    ran = done("edit", *words, *QUICK)
    assert note in ran.err if note else "effect" not in ran.err and "nothing could" not in ran.err


def test_what_a_stage_does_not_read_is_noted_unless_it_is_usual_here(work: Make) -> None:
    folder = work("sd2", "tune")
    assert "--inner-steps 3 has no effect with --method direct" in done("invert", "--inner-steps", "3").err
    with (folder / "vp2p.yaml").open("a") as file:
        file.write("invert: {inner_steps: 4}\nedit: {mask_grow: 2.0}\n")
    assert "effect" not in done("invert").err
    assert "effect" not in done("edit", "--swap", "cat=dog", *QUICK, "-n").err
    assert "--mask-grow 3 has no effect" in done("edit", "--swap", "cat=dog", "--mask-grow", "3", *QUICK, "-n").err
    ran = done("tune", "--steps", "0", "--learning-rate", "0.1", "--seed", "5", "-n")
    assert "--learning-rate 0.1 has no effect with --steps 0" in ran.err and "--seed 5 has no effect" in ran.err
    ran = done(
        "mask", "--mask-point", "50%,50%", "--segmenter", "none", "--mask-threshold", "0.5", "--detector", "x", "-n"
    )
    assert "--mask-threshold 0.5 has no effect with --mask-point" in ran.err and "--detector x has" in ran.err


def test_a_model_whose_card_asks_for_no_tuning_stays_untuned(work: Make) -> None:
    folder = work("sd2", "init")
    settings = (folder / "vp2p.yaml").read_text()
    model = folder.parent / "model"
    shutil.copytree(re.search(r"^  model: (.*)$", settings, re.M)[1], model)
    (model / "vp2p.json").write_text('{"settings": {"tune": {"steps": 0}}}')
    (folder / "vp2p.yaml").write_text(re.sub(r"^  model: .*$", f"  model: {model}", settings, flags=re.M))
    assert "note: the model stays untuned: its card says that it needs no tuning" in done("tune").err
    assert "stays untuned" not in done("tune", "--steps", "1").err
    assert {run.manifest().settings["tune"]["steps"] for run in Workspace(folder).runs("tune")} == {0, 1}


def test_an_edit_does_not_depend_on_a_seed_that_nothing_reads(work: Make) -> None:
    work("sd2", "invert")
    words = ("edit", "--swap", "cat=dog", "--candidates", "0")
    done(*words)
    assert "dog: up to date" in done(*words, "--seed", "1").err
    told = done(*words, "--candidates", "1", "--seed", "1", "-n").out.splitlines()
    assert "edit dog-2: run" in told[-1]


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
