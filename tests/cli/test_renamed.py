"""Options by their old names, for one release: they work, and one note says what they are called now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Make
from tests.cli.running import Ran, done

NOTE = "note: carry is called propagate now; the old name works for one more release"


def notes(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if "is called" in line]


def value(key: str) -> object:
    return done("config", key, "--json").json["result"]["settings"][0]["value"]


def test_on_the_command_line(work: Make) -> None:
    work("sd2", "invert")
    quick = ("edit", "--swap", "cat=dog", "--dry-run")
    old = done(*quick, "--no-carry", "--tries", "3", "--no-apart")
    new = done(*quick, "--no-propagate", "--candidates", "3", "--no-per-phrase")
    assert old.out == new.out and notes(new) == []
    assert [line.split()[1:5] for line in notes(old)] == [
        ["carry", "is", "called", "propagate"],
        ["tries", "is", "called", "candidates"],
        ["apart", "is", "called", "per_phrase"],
    ]
    shown = done("edit", "--help").out
    assert "--[no-]propagate" in shown
    assert not any(f"{sign}{name}" in shown for name in ("carry", "tries", "apart") for sign in ("--", "--[no-]"))
    assert notes(done("--quiet", *quick, "--no-carry")) == []


def test_in_the_files_and_the_environment(work: Make, own_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write("edit:\n  carry: false\n")
    own_folder.mkdir(parents=True, exist_ok=True)
    (own_folder / "config.yaml").write_text("edit:\n  tries: 4\n  carry: true\n")
    monkeypatch.setenv("VP2P_EDIT_APART", "0")
    ran = done("config", "edit")
    lines = [line.split("\t") for line in ran.out.splitlines()]
    assert ["edit.propagate", "false", "vp2p.yaml"] in lines and ["edit.candidates", "4", "user config"] in lines
    assert ["edit.per_phrase", "false", "environment"] in lines
    assert len(notes(ran)) == 3 and NOTE in notes(ran)
    done("config", "edit.propagate", "true")  # the line is changed, whatever name it has
    assert value("edit.carry") is True and (folder / "vp2p.yaml").read_text().count("true") == 1
    assert done("status").out  # no edit, and yet no failure


def test_in_a_plan_and_a_template(clip: Path, models: dict[str, Path], tmp_path: Path) -> None:
    plan = {
        "format": 1,
        "videos": [{"video": str(clip), "prompt": "a cat on the grass", "name": "walk"}],
        "defaults": {"model": {"model": str(models["sd2"])}, "clip": {"frames": 2, "size": "64"}},
        "matrix": {"edit.tries": [1, 2]},
        "edits": [{"swap": "cat=dog", "name": "dog", "carry": False}],
        "overrides": [{"settings": "tries-2", "edit": {"apart": False}}],
    }
    (tmp_path / "plan.yaml").write_text(json.dumps(plan))
    ran = done("batch", tmp_path / "plan.yaml", "--dry-run")
    assert len(notes(ran)) == 3 and NOTE in notes(ran)
    assert "edit dog-tries-1: run" in ran.out  # cells keep the names that the plan gives them
    template = tmp_path / "mine.yaml"
    template.write_text("edit:\n  carry: false\n")
    ran = done("init", tmp_path / "new", "--video", clip, "--prompt", "a cat", "--frames", "2", "--template", template)
    assert notes(ran) == [NOTE]
    assert "propagate: false" in (tmp_path / "new" / "vp2p.yaml").read_text()
