"""Every file of every finished run, damaged in every way: found by name, never used, and made anew by its hint."""

from __future__ import annotations

import json
import random
import shlex
import shutil
from pathlib import Path
from typing import Callable

import pytest

from tests.cli.conftest import INVERT, TUNE, Make
from tests.cli.running import done, only, refused, snapshot
from vp2p.errors import ArtifactError
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.layout import STAGES

EDIT = ("edit", "--swap", "cat=dog")
# The commands that find a run up to date, and those that use its files for something new.
SAME = {"source": TUNE, "tune": TUNE, "invert": INVERT, "edit": EDIT}
USERS = {
    "frames.safetensors": (("tune", "--steps", "1"), ("invert", "--steps", "2"), ("edit", "--swap", "cat=bird")),
    "tuned.safetensors": (("invert", "--steps", "2"), ("edit", "--swap", "cat=bird")),
    "trajectory.safetensors": (("edit", "--swap", "cat=bird"),),
    "null.safetensors": (("edit", "--swap", "cat=bird"),),
}


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    at = random.Random(path.name).randrange(8 * len(data))
    data[at // 8] ^= 1 << at % 8
    path.write_bytes(data)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut short by a byte": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "one bit flipped": _flip,
    "emptied": lambda path: path.write_bytes(b""),
    "deleted": Path.unlink,
    "a folder instead": _to_folder,
}


def runs(folder: Path) -> list[RunFolder]:
    return [run for stage in STAGES for run in Workspace(folder).runs(stage)]


def restore(path: Path, data: bytes) -> None:
    if path.is_dir():
        path.rmdir()
    path.write_bytes(data)


@pytest.mark.slow
def test_damage_is_found_by_name_and_never_used(work: Make) -> None:
    folder = work("sd2", "edit")
    names = []
    for run in runs(folder):
        for name in run.manifest().artifacts:
            path = run.path(name)
            whole = path.read_bytes()
            for damage in DAMAGES.values():
                damage(path)
                with pytest.raises(ArtifactError) as caught:
                    run.verify()
                assert str(path) in caught.value.cause
                restore(path, whole)
            list(DAMAGES.values())[len(names) % len(DAMAGES)](path)  # each way in turn, for the commands
            before = snapshot(folder)
            users = USERS.get(name, ())
            for words in users if run.stage == "source" else (SAME[run.stage], *users):
                ran = refused(1, *words)
                assert str(path) in ran.cause and ran.hint, ran.err
                assert snapshot(folder) == before
            restore(path, whole)
            names.append(name)
    assert {*USERS, "edited.mp4", "sheet.png", "reconstruction.mp4", "quality.json"} <= {*names}
    assert "up to date" in done(*EDIT).err


@pytest.mark.parametrize("stage", ["source", "tune", "invert", "edit"])
def test_the_hint_makes_it_anew(work: Make, stage: str) -> None:
    folder = work("sd2", "edit")
    path = only(folder / stage) / {"source": "frames", "tune": "tuned", "invert": "null", "edit": "latents"}[stage]
    path = path.with_suffix(".safetensors")
    whole = path.read_bytes()
    _to_folder(path)
    words = USERS["frames.safetensors"][0] if stage == "source" else SAME[stage]
    hint = refused(1, *words).hint
    if stage == "source":
        assert hint == f"rm -r {path.parent}, then the same command again"
        shutil.rmtree(path.parent)
        done(*words)
    else:
        done(*shlex.split(hint)[1:])
    assert path.read_bytes() == whole


def _means_the_same(data: bytes, whole: bytes) -> bool:
    try:
        return json.loads(data) == json.loads(whole)
    except ValueError:
        return False


@pytest.mark.parametrize("stage", ["source", "tune", "invert", "edit"])
def test_a_flipped_bit_of_a_manifest_is_found(work: Make, stage: str) -> None:
    folder = work("sd2", "edit")
    (run,) = Workspace(folder).runs(stage)
    path = run.path("manifest.json")
    whole = path.read_bytes()
    draw = random.Random(stage)
    for _ in range(40):
        data, at = bytearray(whole), draw.randrange(8 * len(whole))
        data[at // 8] ^= 1 << at % 8
        if _means_the_same(data, whole):  # such as 1E-05 for 1e-05
            continue
        path.write_bytes(data)
        with pytest.raises(ArtifactError) as caught:
            run.verify()
        assert str(path) in caught.value.cause
