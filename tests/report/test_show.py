"""``vp2p show``: the sheet of a run, and its preview in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.running import done, refused, snapshot
from vp2p.report.show import find_shown, rows_of
from vp2p.stages.source import load_frames
from vp2p.workspace import Workspace


def test_newest_edit_off_a_terminal_is_a_path_alone(walk: Path) -> None:
    ran = done("show")
    assert ran.out == "show/edit-red.png\n"
    with Image.open(walk / "show" / "edit-red.png") as sheet:
        assert sheet.format == "PNG" and sheet.width > 3 * 64


def test_rows_are_source_edit_mask_and_attention(made: Path) -> None:
    here = Workspace.find(explicit=made)
    rows = rows_of(here, find_shown(here, "dog"))
    labels = ["a cat on the grass", "a dog on the grass", "where the edit acts", "attention of cat"]
    assert [label for label, _ in rows] == labels
    assert np.array_equal(rows[0][1], load_frames(here.newest("source")).pixels)
    assert len({frames.shape for _, frames in rows}) == 1


def test_other_runs_are_shown_by_stage_or_name(walk: Path) -> None:
    here = Workspace.find(explicit=walk)
    inverted = here.newest("invert").name
    for name in (inverted, f"invert/{inverted}", inverted[:8]):
        assert [row[0] for row in rows_of(here, find_shown(here, name))][1:] == ["reconstruction"]
    assert done("show", f"tune/{here.newest('tune').name}", "--json").json["result"]["rows"] == ["a cat on the grass"]


def test_refusals_change_nothing(walk: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_text("my own")
    before = snapshot(tmp_path)
    assert "dog" in refused(2, "show", "dgo").hint
    assert "vp2p attention grass" in refused(2, "show", "dog", "--word", "grass").hint
    assert "exists" in refused(2, "show", "dog", "--out", tmp_path / "mine.png").cause
    assert "mkdir" in refused(2, "show", "dog", "--out", tmp_path / "no" / "sheet.png").hint
    assert snapshot(tmp_path) == before
    done("show", "dog", "--out", tmp_path / "mine.png", "--force")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "mark"),
    [({"TERM": "xterm-kitty"}, b"\x1b_Ga=T,f=100"), ({"COLORTERM": "truecolor"}, b"38;2;")],
    ids=["kitty", "blocks"],
)
def test_a_terminal_shows_pictures(walk: Path, environment: dict[str, str], mark: bytes) -> None:
    leader, follower = pty.openpty()
    plain = {name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR", "TERM_PROGRAM")}
    command = [sys.executable, "-m", "vp2p", "show", "dog"]
    root = {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        command, stdout=follower, stderr=subprocess.DEVNULL, env=plain | {"TERM": "xterm-256color"} | root | environment
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 65536):
            shown += part
    except OSError:  # Linux says so at the end
        pass
    os.close(leader)
    assert process.wait() == 0
    assert mark in shown
    assert shown.rstrip().endswith(b"show/edit-dog.png")
