"""What the commands say of themselves: quick to start, and every example and hint names what exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from tests.cli.running import done
from vp2p.cli.app import app

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "diffusers", "transformers", "av", "numpy", "PIL", "safetensors"}
group = typer.main.get_command(app)
COMMANDS = tuple(group.commands)

# Each case ends in SystemExit; what it imported counts.
_IMPORTS = """
import contextlib, io, json, os, sys
from vp2p.cli.app import main
shown = {}
for words in json.loads(sys.argv[1]):
    os.environ.pop("_VP2P_COMPLETE", None)
    if words[0] == "COMPLETE":
        os.environ["_VP2P_COMPLETE"] = "complete_bash"
        os.environ["COMP_WORDS"], os.environ["COMP_CWORD"] = " ".join(words[1:]), str(len(words) - 2)
        words = []
    sys.argv = ["vp2p", *words]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main()
    shown[" ".join(words) or "complete"] = out.getvalue()
print(json.dumps([shown, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def test_help_and_completion_import_no_heavy_library() -> None:
    cases = [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS), ["COMPLETE", "vp2p", "inv"]]
    command = [sys.executable, "-c", _IMPORTS, json.dumps(cases)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shown, imported = json.loads(result.stdout)
    assert not HEAVY & set(imported)
    assert "Usage" in shown["--help"] and "invert" in shown["complete"]
    for name in COMMANDS:
        assert name in shown["--help"] and "Examples" in shown[f"{name} --help"]
        assert "<bool>" not in shown[f"{name} --help"]


def examples(name: str) -> list[list[str]]:
    lines = (group.commands[name].help or "").splitlines()
    return [shlex.split(line)[1:] for line in map(str.strip, lines) if line.startswith("vp2p ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_two_examples_that_parse(name: str) -> None:
    found = examples(name)
    assert len(found) >= 2
    for words in found:
        assert name in words
        with group.make_context("vp2p", list(words)) as context:
            command, left = words[words.index(name)], words[words.index(name) + 1 :]
            with group.commands[command].make_context(command, left, parent=context) as inner:
                assert inner.params


def test_every_vp2p_command_in_the_sources_exists() -> None:
    """Hints, docstrings and docs name commands and options that the command line has."""
    files = [*(ROOT / "vp2p").rglob("*.py"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("README.md")]
    wrong = []
    for file in files:
        for match in re.finditer(r"\bvp2p (?:-w \S+ )?([a-z]{2,})((?: [^`'\"\n]*)?)", file.read_text(encoding="utf-8")):
            name, rest = match[1], match[2]
            if name not in group.commands:
                if rest.lstrip().startswith("--") or match[0].startswith("vp2p -w"):
                    wrong.append(f"{file.name}: {match[0]}")
                continue
            known = {option for parameter in group.commands[name].params for option in parameter.opts}
            known |= {option for parameter in group.commands[name].params for option in parameter.secondary_opts}
            options = set(re.findall(r"(?<!\S)--[a-z][a-z-]+", rest)) - {"--help"}
            wrong += [f"{file.name}: {match[0]}: {option}" for option in options - known]
    assert not wrong


def test_version() -> None:
    from vp2p import __version__

    assert done("--version").out == f"vp2p {__version__}\n"


def test_what_people_use_first_stands_first() -> None:
    shown = done("edit", "--help").out
    order = ["--swap", "--prompt", "--reweight", "Compute", "How to run it", "For experts and ablations", "--in-place"]
    assert [shown.index(f" {words} ") for words in order] == sorted(shown.index(f" {words} ") for words in order)
    whole = done("--help").out
    assert whole.index(" init ") < whole.index(" edit ") < whole.index(" status ") < whole.index(" demo ")
