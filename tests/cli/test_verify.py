"""``vp2p verify``: all damage by name, each with the command that mends it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Callable

import pytest

from tests.cli.conftest import stored
from tests.cli.running import done, snapshot, vp2p
from tests.cli.test_migration import HALF, INVERTED, LONG, SHORT
from vp2p.workspace import run_lock


def _damage(*words: str) -> dict[str, list[dict[str, str]]]:
    ran = vp2p("verify", *words, "--json")
    found = {one["name"]: one["damage"] for one in ran.json["result"]["checked"] if one["damage"]}
    assert ran.code == (1 if found else 0)
    assert ran.json["result"]["damaged"] == sum(map(len, found.values()))
    return found


def test_a_whole_workspace(branched: Path) -> None:
    done("tag", "mine", "edit/dog")
    before = snapshot(branched)
    ran = done("verify")
    assert "all is as it was recorded" in ran.err and ran.out == ""
    for name in ("vp2p.yaml", SHORT, LONG, HALF, INVERTED, "edit/dog", "tag mine"):
        assert f"✓ {name} " in ran.err
    assert snapshot(branched) == before


def test_all_damage_is_told_with_what_mends_it(branched: Path) -> None:
    frames = next(branched.glob("source/*/frames.safetensors"))
    frames.write_bytes(frames.read_bytes()[:-1] + b"\x01")
    (branched / LONG / "tuned.safetensors").unlink()
    (branched / "edit" / "dog" / "edited.mp4").write_bytes(b"")
    (branched / "edit" / "dog" / "latents.safetensors").unlink()
    found = _damage()
    assert set(found) == {f"source/{frames.parent.name}", LONG, "edit/dog"} and len(found["edit/dog"]) == 2
    assert found[LONG][0]["hint"] == "vp2p tune --steps 3 --force"
    assert found["edit/dog"][0]["hint"].startswith("vp2p edit --swap cat=dog")
    ran = vp2p("verify")
    assert str(branched / "edit" / "dog" / "latents.safetensors") in ran.err and "✗ edit/dog" in ran.err
    assert set(_damage("edit/dog", SHORT)) == {"edit/dog"}


CHANGES: list[tuple[str, Callable[[Path], object], str, str]] = [
    ("vp2p.yaml", lambda at: (at / "vp2p.yaml").write_text("prompt: ["), "not valid YAML", "correct"),
    (SHORT, lambda at: (at / SHORT / "manifest.json").write_text("{}"), "damaged", "vp2p tune --steps 2 --force"),
    (INVERTED, lambda at: shutil.rmtree(at / LONG), f"{LONG}, which {INVERTED} is made from, is gone", "vp2p gc"),
    ("edit/odd", lambda at: (at / "edit" / "odd").mkdir(), "does not say what it holds", "vp2p gc"),
    (HALF, lambda at: _cut(next((at / HALF / "checkpoint").iterdir())), "damaged", "vp2p tune --steps 4"),
    ("tag mine", lambda at: (at / "tags" / "mine").write_text("stage: ["), "damaged", "vp2p tag --delete mine"),
    ("tag mine", lambda at: shutil.rmtree(at / "edit" / "dog"), "is gone", "vp2p tag --delete mine"),
]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(("name", "change", "cause", "hint"), CHANGES)
def test_each_kind_of_damage(branched: Path, name: str, change: Callable, cause: str, hint: str) -> None:
    done("tag", "mine", "edit/dog")
    change(branched)
    (damage,) = _damage()[name]
    assert cause in damage["cause"] and damage["hint"].startswith(hint)


def test_a_parent_of_another_identity(branched: Path) -> None:
    done("edit", "--swap", "cat=tiger")  # its manifest holds its parents' identities
    for name in ("manifest.json", "settings.yaml"):
        path = branched / INVERTED / name
        path.write_text(re.sub("(identity.*)a524d79780ab", r"\g<1>000000000000", path.read_text()))
    assert any("made from another" in one["cause"] for one in _damage()["edit/tiger"])


def test_what_is_being_written_is_no_damage(branched: Path) -> None:
    _cut(next((branched / HALF / "checkpoint").iterdir()))
    with run_lock(branched / HALF):
        assert _damage() == {}


def test_a_pipe_in_a_checkpoints_place_is_named_and_not_waited_for(branched: Path) -> None:
    (checkpoint,) = (branched / HALF / "checkpoint").iterdir()
    checkpoint.unlink()
    os.mkfifo(checkpoint)
    assert str(checkpoint) in _damage()[HALF][0]["cause"]
    done("tune", "--steps", "4")
    assert _damage() == {}


def test_an_unfinished_run_with_the_settings_of_another_is_named(tmp_path: Path, branched: Path) -> None:
    other = next((stored("format-3", tmp_path / "other") / "tune").glob("*/settings.yaml"))
    shutil.copy(other, branched / HALF / "settings.yaml")
    assert any(str(branched / HALF / "settings.yaml") in one["cause"] for one in _damage()[HALF])
