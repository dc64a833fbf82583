"""A workspace whose manifests have format 2 opens as it is: up to date, verified, and each run can be redone.

tests/data/format-2.tar.gz was written by commit 781bd5e: ``python -m tests.data.make_format_1 FOLDER`` there.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import redone, stored
from tests.cli.running import done, snapshot, vp2p
from vp2p.workspace import Workspace

COMMANDS = [
    ("tune", "--steps", "2"),
    ("tune", "--steps", "3"),
    ("invert", "--method", "direct", "--steps", "2"),
    ("edit", "--swap", "cat=dog"),
    ("edit", "--swap", "cat=dog", "--no-blend", "--name", "everywhere"),
]


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(stored("format-2", tmp_path))
    return tmp_path / "at" / "work"


def test_it_is_up_to_date_verified_and_not_rewritten(older: Path) -> None:
    manifests = [json.loads(path.read_text()) for path in older.rglob("manifest.json")]
    assert len(manifests) == 6 and all(manifest["format"] == 2 for manifest in manifests)
    before = snapshot(older)
    for words in COMMANDS:
        assert "up to date" in done(*words).err
    assert done("verify", "--json").json["result"]["damaged"] == 0
    for words in (("status",), ("log",), ("gc",)):
        done(*words)
    assert snapshot(older) == before


def test_each_run_can_be_redone_with_the_same_result(older: Path) -> None:
    for run in Workspace(older).all_runs():
        if not run.finished or run.stage == "source":
            continue
        assert json.loads(redone(run, older).path("manifest.json").read_text())["format"] == 3


@pytest.mark.parametrize("old", [b"a dog is running", b"cross_replace: 0.4", b"identity: "])
def test_a_changed_settings_file_is_found_by_the_manifest(older: Path, old: bytes) -> None:
    path = older / "edit" / "dog" / "settings.yaml"
    data = path.read_bytes()
    assert old in data
    at = data.index(old) + len(old) - 1
    changed = bytes([data[at] ^ 1]) if old[-1:] != b" " else b" 0"
    path.write_bytes(data[:at] + changed + data[at + 1 :])
    ran = vp2p("verify")
    assert ran.code == 1 and str(path) in ran.out + ran.err
    done("gc", "--yes")
    assert (older / "edit" / "dog" / "edited.mp4").exists()
    assert "up to date" in done("edit", "--swap", "cat=dog").err
