"""Too little memory: said in a sentence, whichever library ran out of it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.cli.conftest import Make
from vp2p.errors import is_out_of_memory

ROOT = Path(__file__).parents[2]
_TUNE = """
import resource, sys
from vp2p.cli import app
from vp2p.method import tuning
start = tuning.Tuning.start.__func__
def tight(cls, model, settings):  # from here on as much as there is, and no more
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used, used))
    return start(cls, model, settings)
tuning.Tuning.start = classmethod(tight)
# In fp32: where memory ends while oneDNN makes code for bf16, it crashes before it can say so.
sys.argv = ["vp2p", "-w", sys.argv[1], "tune", "--steps", "2", "--dtype", "fp32"]
app.main()
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads Linux's /proc")
def test_a_command_that_runs_out_of_memory_says_so(work: Make) -> None:
    folder = work("sd2", "init")
    command = [sys.executable, "-c", _TUNE, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 1 and "Traceback" not in result.stderr, result.stderr
    assert "error: There is not enough memory for this." in result.stderr and "hint: " in result.stderr
    assert result.stdout == "" and not list((folder / "tune").iterdir())


def test_what_counts_as_too_little_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(MemoryError()) and is_out_of_memory(OSError(errno.ENOMEM, "no"))
    assert not is_out_of_memory(RuntimeError("shapes differ")) and not is_out_of_memory(OSError(errno.EIO, "no"))
