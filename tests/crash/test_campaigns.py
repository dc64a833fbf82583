"""A share of the trials of every campaign; ``make test-crash`` makes thousands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.__main__ import CAMPAIGNS

ROOT = Path(__file__).parents[2]
TRIALS = 5
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="tells open files by Linux's /proc"),
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.crash", "--trials", str(TRIALS), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path_factory.mktemp("trials"))}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.stdout, result.stderr[-3000:]
    return {one["campaign"]: one for one in json.loads(result.stdout)}


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_no_trial_loses_hangs_or_ends_in_a_traceback(outcomes: dict[str, dict[str, Any]], campaign: str) -> None:
    found = outcomes[campaign]
    assert found["failures"] == []
    assert found["trials"] == TRIALS < found["there"]
