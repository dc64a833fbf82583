"""Records of runs that are damaged or made up: named by verify, believed by nobody, and nothing is lost by them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from tests.cli.conftest import Make
from tests.cli.running import done, refused, vp2p
from vp2p.workspace import Workspace
from vp2p.workspace.seal import sealed

READERS = (
    ("status",),
    ("log",),
    ("verify",),
    ("gc",),
    ("report", "--out", "page.html", "--force"),
    ("show", "dog", "--force", "--out", "sheet.png"),
    ("edit", "-n", "--swap", "cat=pig"),
    ("diff", "dog", "dog"),
    ("config",),
)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _link(path: Path) -> None:
    away = path.with_name(f".{path.name}-away")
    path.rename(away)
    path.symlink_to(away)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a bit": _flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": Path.unlink,
    "a link": _link,
    "a folder": _folder,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damaged_file_of_a_run_is_named_and_no_run_is_lost(work: Make, damage: str) -> None:
    folder = work("sd2", "edit")
    done("tag", "nice", "dog")
    names = [path for run in Workspace(folder).all_runs() for path in sorted(run.folder.iterdir())]
    names = [path for path in names if path.is_file() and path.name[0] != "."]
    assert {"settings.yaml", "manifest.json", "log.jsonl"} <= {path.name for path in names}
    whole = folder.with_name("whole")
    shutil.copytree(folder, whole)
    tag = folder / "tags" / "nice"
    for path in [*names, *([] if damage == "deleted" else [tag])]:
        DAMAGES[damage](path)
        ran = vp2p("verify")
        assert ran.code == 1
        assert path.name in ran.out + ran.err, path
        gone = done("gc", "--yes").out
        assert "run" not in gone and path.parent.is_dir(), (path, gone)
        kept = {one.relative_to(whole) for one in whole.rglob("*") if one.is_file() and "tags" not in one.parts}
        there = {one.relative_to(folder) for one in folder.rglob("*")} | {path.relative_to(folder)}
        assert kept <= there, path
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        os.chdir(folder)


def _rewrite(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Both records of a run changed, and sealed again as by somebody who knows how."""
    values = yaml.safe_load((run / "settings.yaml").read_text())
    change(values)
    (run / "settings.yaml").write_text(yaml.safe_dump(sealed(values)))
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest)
    data = (run / "settings.yaml").read_bytes()
    manifest["records"]["settings.yaml"] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (run / "manifest.json").write_text(json.dumps(sealed(manifest)))


def _parents(**parents: Any) -> Callable[[dict[str, Any]], object]:
    return lambda values: values.update(parents=parents)


ID = "0" * 64
LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "an unknown parent stage": _parents(ghost={"name": "x", "identity": ID}),
    "itself": _parents(edit={"name": "dog", "identity": ID}),
    "a path upward": _parents(invert={"name": "../../..", "identity": ID}),
    "a hidden parent": _parents(invert={"name": ".x", "identity": ID}),
    "an absolute parent": _parents(invert={"name": "/etc", "identity": ID}),
    "no identity": _parents(invert={"name": "x", "identity": "short"}),
    "parents as a list": lambda values: values.update(parents=[1]),
    "no parents": _parents(),
    "a parent that is not there": _parents(invert={"name": "abc", "identity": ID}),
    "another stage": lambda values: values.update(stage="tune"),
    "no stage": lambda values: values.update(stage=7),
    "no identity of its own": lambda values: values.update(identity=["x"]),
    "no time": lambda values: values.update(created="yesterday"),
    "settings as text": lambda values: values.update(settings="x"),
    "no settings": lambda values: values.update(settings={}),
    "a number for a prompt": lambda values: values["settings"].update(prompt=5),
    "a list for a target": lambda values: values["settings"].update(target=["x"]),
    "text for edit settings": lambda values: values["settings"].update(edit="x"),
    "text for a number": lambda values: values["settings"]["edit"].update(cross_replace="much"),
    "numbers for words": lambda values: values["settings"]["edit"].update(swap=[1, 2]),
    "a path for a format": lambda values: values["settings"].update(format="../../../x"),
    "a mapping in a model": lambda values: values["settings"].update(model={"fingerprint": {"a": 1}}),
    "a very large number": lambda values: values["settings"]["edit"].update(tries=10**400),
    "control characters": lambda values: values["settings"].update(target="a \x1b[31m\u202e dog"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_a_stranger_wrote_ends_no_command_in_a_traceback(work: Make, lie: str) -> None:
    folder = work("sd2", "edit")
    _rewrite(folder / "edit" / "dog", LIES[lie])
    for words in READERS:
        ran = vp2p(*words)
        assert "Traceback" not in ran.err and ran.code in (0, 1, 2), (words, ran.err)
        assert "\x1b" not in ran.out + ran.err and "\u202e" not in ran.out + ran.err
        assert ran.code == 0 or "hint: " in ran.err or words == ("verify",), ran.err
    vp2p("gc", "--yes")
    assert (folder / "edit" / "dog" / "edited.mp4").exists() or lie in ("a parent that is not there",)


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9, 0.97])
def test_settings_of_an_unfinished_run_that_were_cut_are_named(branched: Path, kept: float) -> None:
    done("tune", "--steps", "5")
    for path in (branched / "tune").glob("*/settings.yaml"):
        (path.parent / "manifest.json").unlink(missing_ok=True)
        data = path.read_bytes()
        if b"checksum" not in data:
            continue
        lines = data.splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: int(kept * len(lines))]))
        ran = vp2p("verify")
        assert ran.code == 1 and str(path.parent) in ran.out + ran.err
        assert done("gc", "--yes") and path.exists()


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in zip("abcdefgh", "bcdefghi")
)


@pytest.mark.parametrize(
    "text", [ALIASES, "prompt: " + "[" * 5000, "prompt: &a [*a]\n", "prompt: x\nprompt: y\n", "\0"]
)
def test_a_config_of_tricks_is_told_in_a_line(work: Make, text: str) -> None:
    folder = work("sd2", "init")
    (folder / "vp2p.yaml").write_text(text)
    ran = refused(2, "status")
    assert len(ran.err) < 1000 and str(folder / "vp2p.yaml") in ran.cause


def test_many_runs_are_read_once_each_and_without_yaml(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = work("sd2", "edit")
    for number in range(40):
        shutil.copytree(folder / "edit" / "dog", folder / "edit" / f"dog-{number}")
    import vp2p.workspace.record as record

    reads: list[Path] = []
    real = record.read_file
    monkeypatch.setattr(record, "read_file", lambda path: (reads.append(path), real(path))[1])
    for words in (("status",), ("log",), ("edit", "-n", "--swap", "cat=pig"), ("gc",), ("tag", "x", "dog-3")):
        reads.clear()
        done(*words)
        assert not [path for path in reads if path.name == "settings.yaml"], words
        assert len(reads) <= 2 * 44, (words, len(reads))
