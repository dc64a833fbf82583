"""A workspace made before the method became a library: its runs are up to date, and are redone to the same numbers.

tests/data/format-3.tar.gz holds a run of every kind: see tests/data/make_format_3.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import redone, stored
from tests.cli.running import done, snapshot
from tests.data.make_format_3 import COMMANDS
from vp2p.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace, beside its clip, mask and model; the test stands in it."""
    folder = stored("format-3", tmp_path)
    monkeypatch.chdir(folder)
    return Workspace(folder)


def test_every_run_is_up_to_date(workspace: Workspace) -> None:
    before = snapshot(workspace.folder)
    inverted = iter(run.name for run in workspace.runs("invert"))
    parent: list[str] = []
    for words in COMMANDS:
        if words[0] == "invert":
            parent = ["--from", next(inverted)]
        ran = done(*words, *(parent if words[0] == "edit" else ()))
        assert "up to date" in ran.err, words
    assert done("verify", "--json").json["result"]["damaged"] == 0
    assert snapshot(workspace.folder) == before


def test_each_run_is_redone_with_the_same_latents(workspace: Workspace) -> None:
    runs = [run for run in workspace.all_runs() if run.stage != "source"]
    assert len(runs) == len(COMMANDS)
    for run in runs:
        # An edit's frames are composited on its latents, by steps that may be made better.
        redone(run, workspace.folder, {"edited.safetensors"})
