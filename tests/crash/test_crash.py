"""Commands killed, cut off, refused by the disk and signalled: nothing is lost, and the same command makes it whole.

A share of the trials, drawn by a seed; ``make test-crash`` breaks off at each write point.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.commands import COMMANDS

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells open files by Linux's /proc"),
]
EVERY, RANDOM_KILLS, RANDOM_SIGNALS = 6, 2, 1


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.crash.broken", "--json", "--every", str(EVERY)]
    command += ["--random-kills", str(RANDOM_KILLS), "--random-signals", str(RANDOM_SIGNALS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path_factory.mktemp("trials"))}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.stdout, result.stderr[-3000:]
    return json.loads(result.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_whatever_breaks_a_command_off_it_ends_as_if_unbroken(figures: list[dict[str, Any]], command: str) -> None:
    mine = [one for one in figures if one["command"] == command]
    assert [failure for one in mine for failure in one["failures"]] == []
    deaths = sum(one["trials"] for one in mine if one["way"] == "killed" or one["way"].startswith("power cut"))
    points = mine[0]["points"]
    assert points > 25 and deaths in (points // EVERY, points // EVERY + 1)
    assert all(one["trials"] for one in mine)


def test_enough_random_kills(figures: list[dict[str, Any]]) -> None:
    assert sum(one["trials"] for one in figures if one["way"] == "killed at random") == RANDOM_KILLS * len(COMMANDS)


def test_a_signal_stops_a_command_soon(figures: list[dict[str, Any]]) -> None:
    """Two seconds on a free CPU; here one that is shared, so CPU time is what counts, and the clock but roughly."""
    for one in figures:
        if one["way"].startswith(("sent SIGINT at random", f"sent {signal.SIGTERM.name} at random")):
            cpu, clock = one["slowest"]
            assert cpu < 2 and clock < 60, one
