"""What the commands say of themselves: quick to start, and every example and hint names what exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.core import TyperArgument

from tests.cli.running import done
from vp2p.cli import panels
from vp2p.cli.app import app
from vp2p.config.grid import read_grid
from vp2p.schema import from_mapping, options
from vp2p.settings import ClipSettings, EditSettings, InvertSettings, MaskSettings, ModelSettings, TuneSettings

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


def examples(name: str = "") -> list[list[str]]:
    lines = ((group.commands[name] if name else group).help or "").splitlines()
    return [shlex.split(line)[1:] for line in map(str.strip, lines) if line.startswith("vp2p ")]


# The settings that a command's options are made of.
SETTINGS: dict[str, tuple[type, ...]] = {
    "init": (ClipSettings, ModelSettings),
    "tune": (TuneSettings,),
    "invert": (InvertSettings,),
    "mask": (MaskSettings,),
    "edit": (EditSettings,),
}


@pytest.mark.parametrize("name", ("", *COMMANDS))
def test_every_command_has_examples_that_parse(name: str) -> None:
    found = examples(name)
    assert len(found) >= 2
    texts = ((group.commands[name] if name else group).help or "").splitlines()
    assert all(len(line) <= 78 for line in texts if "  vp2p " in line)  # each on one line of 80
    for words in found:
        at = next(index for index, word in enumerate(words) if word in COMMANDS)
        assert words[at] == name or not name
        with group.make_context("vp2p", list(words)) as context:
            with group.commands[words[at]].make_context(words[at], words[at + 1 :], parent=context) as inner:
                for cls in SETTINGS.get(name, ()):
                    given = {one.name: inner.params.get(one.name) for one in options(cls)}
                    read = from_mapping(cls, {key: value for key, value in given.items() if value not in (None, [])})
                    if inner.params.get("grid"):
                        assert read_grid([read], [*inner.params["grid"], *(inner.params["axes"] or ())]).cells


def test_every_option_is_in_two_examples() -> None:
    """Those of a command's own in its help; where to compute and how to run are the same in all."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in ("", *COMMANDS)}
    for words in (words for name in counted for words in examples(name)):
        (name,) = [word for word in words if word in COMMANDS][:1]
        for word in {word.partition("=")[0] for word in words if word.startswith("-")}:
            counted[name][word] += 1
            counted[""][word] += 1
    lacking = []
    for name in counted:
        command = group.commands[name] if name else group
        for one in command.get_params(typer.Context(command)):
            alone = one.name in ("help", "version", "install_completion", "show_completion")
            if alone or isinstance(one, TyperArgument) or getattr(one, "hidden", False):
                continue
            where = "" if one.rich_help_panel in (panels.COMPUTE, panels.RUN) else name
            if sum(counted[where][flag] for flag in (*one.opts, *one.secondary_opts)) < 2:
                lacking.append(f"{name} {one.opts[0]}")
    assert not lacking


def test_nothing_is_cut_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stand whole, and what is said of them has half of the line."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in COMMANDS:
        shown = done(name, "--help").out
        assert "…" not in shown.replace("A,B…", "")
        rows = [line for line in shown.splitlines() if line.startswith("│ --")]
        assert all(len(re.split(r"  +", row)[0]) < 40 for row in rows)


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
    order = [
        "--swap",
        "--prompt",
        "--reweight",
        "Compute",
        "How to run it",
        "For experts and ablations",
        "--[no-]in-place",
    ]
    assert [shown.index(f" {words} ") for words in order] == sorted(shown.index(f" {words} ") for words in order)
    whole = done("--help").out
    places = [whole.index(f"│ {name} ") for name in ("init", "edit", "status", "demo")]
    assert places == sorted(places)
