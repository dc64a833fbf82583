"""The same command again: up to date, beside, anew, or from an older run."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import INVERT, PROMPT, TUNE, Make
from tests.cli.running import done, only, snapshot
from vp2p.stages.redo import _articles_fit, redo, run_command
from vp2p.workspace import Workspace


def test_a_second_run_is_up_to_date_and_touches_nothing(work: Make, kind: str) -> None:
    folder = work(kind, "edit")
    before = snapshot(folder)
    for words in (
        TUNE,
        INVERT,
        ("edit", "--swap", "cat=dog"),
        ("edit", "--prompt", PROMPT.replace("cat", "dog")),  # the same edit by other words
    ):
        ran = done(*words)
        assert "up to date" in ran.err and Path(ran.out.strip()).exists()
    assert snapshot(folder) == before


CHANGES: list[tuple[str, tuple[str, ...]]] = [
    ("tune", ("tune", "--steps", "1")),
    ("invert", ("invert", "--method", "direct", "--steps", "2")),
    ("edit", ("edit", "--swap", "cat=dog", "--blend-threshold", "0.5")),
]


@pytest.mark.parametrize(("stage", "words"), CHANGES)
def test_other_settings_make_a_run_beside(work: Make, stage: str, words: tuple[str, ...]) -> None:
    folder = work("sd2", "edit")
    before = snapshot(folder)
    done(*words)
    after = snapshot(folder)
    assert {name: after[name] for name in before} == before
    assert len(list((folder / stage).iterdir())) == 2
    if stage == "edit":
        assert (folder / "edit" / "dog-2" / "edited.mp4").exists()


def test_force_makes_the_same_run_anew(work: Make) -> None:
    folder = work("sd2", "edit")
    before = snapshot(folder)
    for words in (TUNE, INVERT, ("edit", "--swap", "cat=dog")):
        assert ": done" in done(*words, "--force").err
    after = snapshot(folder)
    assert set(after) == set(before)
    for name in before:
        if name.endswith(".safetensors") and not name.startswith("source"):
            assert after[name][1] == before[name][1] and after[name][0] != before[name][0]


def test_from_names_an_older_run(work: Make) -> None:
    folder = work("sd2", "tune")
    older = only(folder / "tune").name
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2", "--from", older[:6])
    parents = json.loads((only(folder / "invert") / "manifest.json").read_text())["parents"]
    assert parents["tune"]["name"] == older


def test_a_swap_of_another_length_is_no_prompt_and_is_made_again_as_it_was(work: Make) -> None:
    folder = work("sd2", "invert")
    swap = ("edit", "--swap", "cat=old owl", "--no-propagate")
    assert done(*swap, "--json").json["result"]["facts"]["prompt"] == "an old owl is running on the grass"
    by_prompt = ("edit", "--prompt", "an old owl is running on the grass", "--no-propagate")
    assert "edit old-owl-2: run" in done(*by_prompt, "-n").out
    run = Workspace(folder, redo).by_name("edit", "old-owl")
    assert "up to date" in done(*shlex.split(run_command(run))[1:]).err


def test_an_edit_without_the_article_that_follows_now_is_made_again_by_its_prompt() -> None:
    assert not _articles_fit(["cat=owl"], "a owl on the grass")
    assert _articles_fit(["cat=owl"], "an owl on the grass") and _articles_fit(["cat=old owl"], "a old owl")
    assert _articles_fit(["cat=owl"], "the owl") and _articles_fit(["a cat=an owl"], "an owl")
