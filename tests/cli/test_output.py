"""Where the workspace is found, where defaults come from, and what is printed where."""

from __future__ import annotations

import io
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.cli.conftest import FRAMES, PROMPT, Make
from tests.cli.running import done, only, snapshot, video, vp2p
from vp2p.cli.output import StageProgress
from vp2p.errors import UsageError
from vp2p.workspace import Workspace, lifecycle, run_lock


def test_the_workspace_can_be_named_from_anywhere(work: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "invert")
    monkeypatch.chdir(tmp_path)
    ran = done("-w", folder, "edit", "--swap", "cat=dog")
    assert ran.out == "at/work/edit/dog/edited.mp4\n"
    assert "vp2p -w at/work invert" in done("-w", "at/work", "tune", "--steps", "1").err
    assert "vp2p -w at/work edit --swap" in vp2p("-w", "at/work", "edit").err
    assert "vp2p -w at/work show mask" in done("-w", "at/work", "mask", "--mask-point", "8,8").err
    monkeypatch.setenv("VP2P_WORKSPACE", str(folder))
    assert "up to date" in done("edit", "--swap", "cat=dog").err
    monkeypatch.delenv("VP2P_WORKSPACE")
    monkeypatch.chdir(folder / "edit" / "dog")
    assert done("edit", "--swap", "cat=dog").out == "edited.mp4\n"


def test_a_workspace_can_be_moved_without_its_video(work: Make, clip: Path) -> None:
    folder = work("sd2", "init")
    (folder.parent / clip.name).unlink()
    done("tune", "--steps", "1")
    done("invert", "--method", "direct", "--steps", "2")
    done("edit", "--swap", "cat=dog")
    assert video(folder / "edit" / "dog" / "edited.mp4") == (FRAMES, Fraction(FRAMES), False)


def test_defaults_come_from_the_environment_and_from_the_workspace(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "init")
    with open(folder / "vp2p.yaml", "a") as config:
        config.write("tune:\n  steps: 1\n  seed: 5\n")
    done("tune")
    monkeypatch.setenv("VP2P_TUNE_STEPS", "2")
    done("tune")
    done("tune", "--steps", "3")
    steps = [
        (manifest["settings"]["tune"]["steps"], manifest["settings"]["tune"]["seed"])
        for manifest in (json.loads(path.read_text()) for path in (folder / "tune").glob("*/manifest.json"))
    ]
    assert sorted(steps) == [(1, 5), (2, 5), (3, 5)]


def test_status_tells_what_is_there_and_what_comes_next(work: Make, kind: str) -> None:
    folder = work(kind, "edit")
    before = snapshot(folder)
    found: dict[str, Any] = done("status", "--json").json["result"]
    assert [run["stage"] for run in found["runs"]] == ["source", "tune", "invert", "edit"]
    assert all(run["finished"] for run in found["runs"]) and found["prompt"] == PROMPT
    assert found["next"] == "vp2p edit --swap OLD=NEW"
    text = done("status").out
    assert "null-text, 3 steps" in text and "2 steps, rate 0.01" in text and "dog" in text
    assert snapshot(folder) == before


def test_status_says_how_an_edit_that_was_killed_at_its_start_goes_on(work: Make) -> None:
    workspace = Workspace(work("sd2", "edit"))
    run = workspace.by_name("edit", "dog")
    record, parents = run.record(), workspace.parents_of(run)
    lifecycle.clear(run)
    lifecycle.begin(run, record.settings, parents)
    again = "vp2p edit --swap cat=dog --name dog"
    ran = done("status")
    assert "edit/dog interrupted at step 0" in ran.out and f"next: {again}   (begins anew" in ran.err
    with run_lock(run.folder):
        ran = done("status")
        assert "edit/dog being written at step 0" in ran.out and again not in ran.err
    done(*again.split()[1:])
    assert "edit --swap OLD=NEW" in done("status").err


def test_json_puts_one_envelope_on_stdout(work: Make) -> None:
    folder = work("sd2", "tune")
    envelope = done("invert", "--method", "direct", "--steps", "2", "--json").json
    assert (envelope["vp2p"], envelope["command"], envelope["ok"]) == (1, "invert", True)
    assert Path(envelope["result"]["artifact"]) == only(folder / "invert") / "reconstruction.mp4"
    failed = vp2p("edit", "--swap", "bird=dog", "--json")
    assert failed.code == 2 and failed.json["ok"] is False
    error = failed.json["error"]
    assert (error["kind"], error["exit"]) == ("PromptError", 2)
    assert error["cause"] in failed.err and error["hint"] in failed.err


def test_quiet_leaves_the_path_alone(work: Make) -> None:
    work("sd2", "invert")
    ran = done("-q", "edit", "--swap", "cat=dog")
    assert (ran.out, ran.err) == ("edit/dog/edited.mp4\n", "")


def test_progress_off_a_terminal_is_as_often_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VP2P_PROGRESS_SECONDS", "0")
    stream = io.StringIO()
    with StageProgress(Console(file=stream)) as progress:
        for done in range(3):
            progress("tune", done, 2)
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["0/2", "1/2", "2/2"]
    for wrong in ("often", "-1", "nan", "inf"):
        monkeypatch.setenv("VP2P_PROGRESS_SECONDS", wrong)
        with pytest.raises(UsageError):
            StageProgress(Console(file=stream))


def test_hints_name_the_workspace_in_every_command_that_has_one() -> None:
    """Those that do not act on a workspace are all others."""
    import typer

    from vp2p.cli.app import app
    from vp2p.cli.output import _OF_A_WORKSPACE

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    elsewhere = {"init", "import", "models", "demo", "draw", "batch", "ui"}
    assert set(commands) - elsewhere == set(_OF_A_WORKSPACE)
