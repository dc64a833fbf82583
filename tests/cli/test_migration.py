"""A workspace that an older version wrote opens as it is: listed, verified, up to date, taken up and built upon."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.running import done, snapshot
from vp2p.workspace import Workspace
from vp2p.workspace.parents import Parent

SHORT, LONG, HALF, INVERTED = "tune/b75f12146d5b", "tune/cff66a246a9e", "tune/721eeffa8341", "invert/a524d79780ab"
# What edits did by default then.
AS_THEN = ("--self-target", "temporal", "--self-replace", "0.4", "--no-propagate", "--no-paste")
DOG = ("edit", "--swap", "cat=dog", *AS_THEN)
COMMANDS = [
    ("tune", "--steps", "2"),
    ("tune", "--steps", "3"),
    ("invert", "--method", "direct", "--steps", "2", "--from", "cff66a"),
    DOG,
    (*DOG, "--no-blend", "--name", "everywhere"),
]


def test_it_is_of_the_older_format(branched: Path) -> None:
    manifests = [json.loads(path.read_text()) for path in branched.rglob("manifest.json")]
    assert len(manifests) == 6 and all(manifest["format"] == 1 for manifest in manifests)
    assert {type(name) for manifest in manifests for name in manifest["parents"].values()} == {str}


def test_it_is_read_and_nothing_is_rewritten(branched: Path) -> None:
    before = snapshot(branched)
    runs = done("status", "--json").json["result"]["runs"]
    assert [f"{run['stage']}/{run['name']}" for run in runs if not run["finished"]] == [HALF]
    (root, half) = done("log", "--json").json["result"]["runs"]
    assert (half["name"], half["state"], half["told"]) == (HALF[5:], "interrupted", "at step 2")
    assert [f"{run['stage']}/{run['name']}" for run in root["made"]] == [SHORT, LONG]
    (inverted,) = root["made"][1]["made"]
    assert [edit["name"] for edit in inverted["made"]] == ["dog", "everywhere"]
    assert done("verify", "--json").json["result"]["damaged"] == 0
    for words in COMMANDS:
        assert "up to date" in done(*words).err
    assert snapshot(branched) == before


def test_the_identities_of_parents_are_looked_up(branched: Path) -> None:
    workspace = Workspace(branched)
    edit = workspace.by_name("edit", "dog")
    assert edit.parents() == {
        run.stage: Parent(run.name, run.identity)
        for run in (workspace.find_run(key) for key in (INVERTED, LONG, "source/2ac6bca9bdf6"))
    }
    shutil.rmtree(branched / INVERTED)
    assert Workspace(branched).by_name("edit", "dog").parents()["invert"] == Parent(INVERTED[7:], None)


def test_the_command_of_an_edit_names_what_was_the_default_then(branched: Path) -> None:
    words = shlex.split(Workspace(branched).by_name("edit", "dog").rebuild.removesuffix(" --force"))
    assert {"--self-target", "--no-propagate", "--no-paste"} <= set(words)
    assert "edit dog: up to date" in done(*words[1:]).err


@pytest.mark.slow
def test_it_is_taken_up_and_built_upon(branched: Path) -> None:
    assert ": resumed" in done("tune", "--steps", "4").err
    done("edit", "--swap", "cat=rabbit", "--from", INVERTED[7:])
    made = json.loads((branched / "edit" / "rabbit" / "manifest.json").read_text())
    inverted = json.loads((branched / INVERTED / "manifest.json").read_text())
    assert made["format"] == 3 and inverted["format"] == 1
    assert made["parents"]["invert"] == {"name": inverted["name"], "identity": inverted["identity"]}
    tuned = json.loads((branched / HALF / "manifest.json").read_text())
    assert tuned["format"] == 3 and set(tuned["parents"]) == {"source"}
    assert done("verify", "--json").json["result"]["damaged"] == 0
