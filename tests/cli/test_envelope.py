"""The envelope is what docs/scripting.md says, for every command there is, whether it succeeds or fails."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer.main
from PIL import Image

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import Ran, done, vp2p
from tests.cli.test_signals import logged, sent
from vp2p.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scripting.md").read_text("utf-8")
COMMANDS = sorted(typer.main.get_command(app).commands)
# What is run in a workspace that holds one of each stage, {clip} being its video.
WORDS = {
    "init": "init {new} --video {clip} --prompt cat --model {model} --frames 2 --size 32",
    "tune": "tune --steps 1",
    "attention": "attention cat",
    "eval": "eval",
    "invert": "invert --method direct --steps 1",
    "mask": "mask --mask-point 40%,50%",
    "edit": "edit --swap cat=bird",
    "full": "full masked",
    "batch": "batch {plan}",
    "status": "status",
    "show": "show",
    "report": "report",
    "log": "log",
    "diff": "diff dog dog",
    "tag": "tag good dog",
    "gc": "gc dog",
    "verify": "verify",
    "export": "export {tar}",
    "import": "import {tar} {new}",
    "config": "config",
    "draw": "draw {sentence} {new}.mp4 --frames 2",
    "models": "models {model}",
}
# These take minutes, or do not end: tests/ui starts the page.
ELSEWHERE = {"demo", "ui"}
# Asked something, these print the answer; the others print a path.
NOT_ALONE = {"batch"}  # one path for each result: tests/batch/test_view.py
ANSWERS = {"config", "eval", "gc", "log", "models", "status", "tag", "verify"}
PLAN = """\
format: 1
workspaces: works
defaults: {{clip: {{frames: 2, size: '32'}}, model: {{model: {model}}}, tune: {{steps: 1}},
  invert: {{method: direct, steps: 1}}}}
videos: [{{video: {clip}, prompt: {prompt}}}]
edits: [{{swap: cat=dog}}]
"""


def documented(title: str) -> set[str]:
    """The fields in the table under the heading that names ``title``."""
    sections = re.findall(r"^### (.*)\n((?:(?!^##).*\n)*)", PAGE, flags=re.MULTILINE)
    (text,) = (text for heading, text in sections if f"`{title}`" in heading)
    return set(re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE))


def fields(result: dict[str, Any], wanted: set[str]) -> set[str]:
    """The fields of a result, to the depth that the page tells of."""
    found = set()
    for key, value in result.items():
        if any(name.startswith(f"{key}[].") for name in wanted):
            assert value
            found |= {f"{key}[].{name}" for item in value for name in item}
        elif any(name.startswith(f"{key}.") for name in wanted):
            found |= {f"{key}.{name}" for name in value}
        else:
            found.add(key)
    return found


def words(name: str, folder: Path, model: Path) -> list[str]:
    clip = folder.parent / "clip.mp4"
    places: dict[str, Any] = {
        "new": folder.parent / "new",
        "clip": clip,
        "model": model,
        "plan": folder.parent / "plan.yaml",
    }
    places |= {"tar": folder.parent / "out.tar", "sentence": "a cat on the grass"}
    if name == "import":
        done("export", places["tar"])
    if name == "full":  # of an object, which the small model's own mask does not outline
        mask = np.zeros((64, 64, 3), np.uint8)
        mask[12:48, :48] = 255
        Image.fromarray(mask).save(folder.parent / "mask.png")
        done("edit", "--swap", "cat=dog", "--mask", folder.parent / "mask.png", "--name", "masked")
    places["plan"].write_text(PLAN.format(model=model, clip=clip, prompt=PROMPT))
    return [word.format(**places) for word in WORDS[name].split()]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*COMMANDS} - ELSEWHERE))
def test_every_command_gives_what_the_page_says(work: Make, models: dict[str, Path], name: str) -> None:
    assert name in WORDS, f"give {name} a case here, and its fields in docs/scripting.md"
    envelope = done(*words(name, work("sd2", "edit"), models["sd2"]), "--json").json
    assert list(envelope) == ["vp2p", "command", "ok", "result"]
    assert (envelope["vp2p"], envelope["command"], envelope["ok"]) == (1, name, True)
    wanted = documented(name)
    assert wanted and fields(envelope["result"], wanted) == wanted


def test_the_demo_gives_what_the_page_says() -> None:
    from vp2p.stages.demo import DemoResult

    assert {field.name for field in dataclasses.fields(DemoResult)} == documented("demo")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*COMMANDS} - ELSEWHERE - NOT_ALONE - ANSWERS))
def test_off_a_terminal_stdout_is_a_path_alone(work: Make, models: dict[str, Path], name: str) -> None:
    ran = done("-q", *words(name, work("sd2", "edit"), models["sd2"]))
    (line,) = ran.out.splitlines()
    assert Path(line).exists()


def test_a_dry_run_gives_what_the_page_says(work: Make) -> None:
    work("sd2", "invert")
    result = done("edit", "--swap", "cat=dog", "--dry-run", "--json").json["result"]
    assert fields(result, documented("--dry-run")) == documented("--dry-run")
    assert result["dry_run"] is True


def test_a_grid_gives_what_the_page_says(work: Make) -> None:
    work("sd2", "invert")
    ran = done("edit", "--grid", "reweight=cat:2,3", "--no-propagate", "--no-blend", "--json")
    result = json.loads(ran.out.splitlines()[-1])["result"]
    assert fields(result, documented("--grid")) == documented("--grid")


def failed(ran: Ran) -> dict[str, Any]:
    envelope = ran.json
    assert list(envelope) == ["vp2p", "ok", "error"] and (envelope["vp2p"], envelope["ok"]) == (1, False)
    error = envelope["error"]
    assert {f"error.{key}" for key in error} == set(re.findall(r"^\| `(error\.\w+)`", PAGE, flags=re.MULTILINE))
    assert error["exit"] == ran.code and error["cause"] == ran.cause and error["hint"] == ran.hint
    assert f"| {ran.code} |" in PAGE
    return error


@pytest.mark.parametrize(
    ("typed", "cause", "hint"),
    [
        ("tune --stepz 3", "No such option: --stepz.", "did you mean --steps? see: vp2p tune --help"),
        ("invert --steps many", "Invalid value for '--steps': it must be a whole number.", "vp2p invert --help"),
        ("tune 3", "Got unexpected extra argument", "vp2p tune --help"),
        ("tune --steps", "Option '--steps' requires an argument.", "vp2p tune --help"),
        (
            "config edit.seed -1",
            "No such option: -1.",
            "put -- before what begins with a minus, or: vp2p config --help",
        ),
        ("invert --method nul-text", "is not one of", "did you mean null-text? see: vp2p invert --help"),
        ("init walk --prompt cat", "Missing option '--video'.", "vp2p init --help"),
        ("tunee", "No such command 'tunee'.", "did you mean tune? see: vp2p --help"),
        ("--workspce x tune", "No such option: --workspce.", "did you mean --workspace? see: vp2p --help"),
        ("--from x tune", "No such option: --from.", "give it after the command: vp2p COMMAND --from"),
        ("draw cat cat.mp4 --frames 0", "--frames", "vp2p draw --help"),
    ],
)
def test_a_wrong_command_line_has_an_envelope(
    tmp_path: Path, monkeypatch: Any, typed: str, cause: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = vp2p(*typed.split())
    assert plain.out == "" and cause in plain.cause and plain.hint == hint
    error = failed(
        vp2p(*typed.split(), "--json") if typed.split()[-1] != "--steps" else vp2p("tune", "--json", "--steps")
    )
    assert (error["kind"], error["exit"]) == ("UsageError", 2) and cause in error["cause"]


def test_a_wrong_environment_is_named(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    work("sd2", "init")
    monkeypatch.setenv("VP2P_INVERT_STEPS", "many")
    for name in ("invert", "config"):
        error = failed(vp2p(name, "--json"))
        assert "whole number" in error["cause"]
        assert error["hint"] == "correct or unset the environment variable VP2P_INVERT_STEPS"


FRAMES = "but must be 1 or more, or all."


@pytest.mark.parametrize(
    ("command", "variable", "value", "cause"),
    [
        ("tune", "VP2P_TUNE_STEPS", "many", "steps is 'many', but must be 0 or more, or auto."),
        ("tune", "VP2P_TUNE_STEPS", "-1", "steps is -1, but must be 0 or more, or auto."),
        ("tune", "VP2P_TUNE_LEARNING_RATE", "-1", "learning_rate is -1.0, but must be more than 0."),
        ("tune", "VP2P_TUNE_WEIGHT_DECAY", "nan", "--weight-decay is nan, but must be a finite number."),
        ("invert", "VP2P_INVERT_STEPS", "0", "steps is 0, but must be between 1 and 500."),
        ("edit", "VP2P_EDIT_CROSS_REPLACE", "2", "cross_replace is 2.0, but must be between 0 and 1."),
        (
            "init new --video x --prompt y",
            "VP2P_FRAMES",
            "many",
            "frames is 'many', but must be 1 or more, or all.",
        ),
        ("config", "VP2P_FRAMES", "many", "frames is 'many', but must be 1 or more, or all."),
    ],
)
def test_a_wrong_value_from_the_environment_names_the_variable(
    work: Make, monkeypatch: pytest.MonkeyPatch, command: str, variable: str, value: str, cause: str
) -> None:
    work("sd2", "invert")
    monkeypatch.setenv(variable, value)
    error = failed(vp2p(*command.split(), "--json"))
    assert (error["cause"], error["exit"]) == (cause, 2)
    assert error["hint"] == f"correct or unset the environment variable {variable}"


def test_an_option_counts_before_a_wrong_environment(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    work("sd2", "init")
    monkeypatch.setenv("VP2P_TUNE_STEPS", "many")
    assert vp2p("tune", "--steps", "0").code == 0
    assert "give --steps" in vp2p("tune", "--steps", "some").hint


def test_failures_have_an_envelope(work: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "tune")
    assert failed(vp2p("edit", "--swap", "cat=dog", "--json"))["kind"] == "ArtifactError"
    (folder / "vp2p.yaml").write_text("tune: [")
    assert failed(vp2p("status", "--json"))["kind"] == "UsageError"
    monkeypatch.chdir(tmp_path)
    assert failed(vp2p("status", "--json"))["kind"] == "NoWorkspaceError"


def test_an_interruption_has_an_envelope(work: Make) -> None:
    folder = work("sd2", "init")
    with sent(signal.SIGTERM, logged(folder, "tune")):
        ran = vp2p("tune", "--steps", "400", "--json")
    envelope = ran.json
    assert ran.code == 143 and envelope["error"] == {
        "kind": "Interrupted",
        "cause": "interrupted",
        "hint": "the same command takes it up again",
        "exit": 143,
    }


def test_a_mistake_of_vp2p_itself_has_an_envelope_and_a_traceback(work: Make) -> None:
    folder = work("sd2", "init")
    code = "import vp2p.upkeep.status as status; status.status = None; from vp2p.cli.app import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code, "status", "--json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1 and "Traceback" in ran.stderr
    assert json.loads(ran.stdout)["error"]["kind"] == "InternalError"


def test_help_is_no_mistake(tmp_path: Path) -> None:
    assert vp2p("--help").code == vp2p("tune", "--help").code == vp2p("--version").code == 0
    nothing = vp2p()
    assert nothing.code == 2 and "Usage" in nothing.out + nothing.err and "error:" not in nothing.err
