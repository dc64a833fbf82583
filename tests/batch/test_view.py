"""What a terminal shows of a batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from tests.batch.conftest import ROOT
from tests.batch.test_build import do, graph_of


def on_terminal(*words: str | Path) -> tuple[str, str]:
    """What ``vp2p`` prints on a terminal of 100 columns and 30 lines, and on a stdout that is none."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    command = [sys.executable, "-m", "vp2p", *map(str, words)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how a terminal ends
        pass
    out, _ = process.communicate()
    os.close(ours)
    return shown.decode(), out.decode()


@pytest.mark.slow
def test_the_table_has_a_row_for_each_result(folder: Path, write: Callable[..., Path]) -> None:
    plan = write("one", edits="[{swap: cat=dog}, {name: b_d, swap: cat=bird}]")
    do(graph_of(plan))
    shown, out = on_terminal("batch", plan)
    for text in ("video", "settings", "stage", "state", "dog", "b_d", "2 up to date", "2 results:"):
        assert text in shown, (text, shown)
    assert sorted(Path(line).parent.name for line in out.splitlines()) == ["b_d", "dog"]
    assert all(Path(line).name == "edited.mp4" for line in out.splitlines())
