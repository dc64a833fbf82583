"""Several processes in one workspace at once: right results, none twice, and a word on who is in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells open files by Linux's /proc")
def test_processes_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.crash.together"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.stdout, result.stderr[-3000:]
    wrong = json.loads(result.stdout)
    assert wrong == {name: [] for name in wrong} and len(wrong) == 3
