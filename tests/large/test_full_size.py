"""Models of the published sizes, with random weights, through the commands; the peak memory of each is printed.

``make test-large`` runs it. It needs minutes, up to 10 GB of disk, and as much memory as ``_NEEDS`` says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.large]

# GB of free memory, of the kind with and without tuning: what was seen to go, and a reserve for all else there.
_NEEDS = {"sd1": (10, 6), "sdxl": (18, 12)}
_DTYPES = {"sd1": "fp32", "sdxl": "bf16"}


def _run(*words: str | Path) -> tuple[float, float]:
    """Runs a command that must succeed; its peak of resident memory in GB, and its seconds of processor time."""
    process = subprocess.Popen([sys.executable, *map(str, words)], env={**os.environ, "OMP_NUM_THREADS": "1"})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(map(str, words))}: exit {process.returncode}"
    return used.ru_maxrss * 1024 / 1e9, used.ru_utime + used.ru_stime


@pytest.mark.parametrize("kind", ["sd1", "sdxl"])
def test_a_model_of_full_size(kind: str, tmp_path: Path) -> None:
    free = psutil.virtual_memory().available / 1e9
    with_tuning, without = _NEEDS[kind]
    if free < without:
        pytest.skip(f"{kind} needs {without} GB of free memory, and {free:.0f} GB is there")
    model, work, clip = tmp_path / kind, tmp_path / "work", tmp_path / "cat.mp4"
    try:
        _run("-m", "tests.large.making", kind, model)
        _run("-m", "vp2p", "draw", "a cat on the grass", clip)
        described = ("--video", clip, "--prompt", "a cat on the grass", "--model", model)
        sizes = ("--size", "128", "--frames", "2", "--dtype", _DTYPES[kind])
        steps = "2" if free >= with_tuning else "0"
        commands = {
            "init": (*described, *sizes),
            "tune": ("--steps", steps),
            "invert": ("--method", "null-text", "--steps", "2", "--inner-steps", "1"),
            "edit": ("--swap", "cat=dog", "--candidates", "0"),
        }
        for command, options in commands.items():
            where = (command, work) if command == "init" else ("-w", work, command)
            began = time.monotonic()
            peak, seconds = _run("-m", "vp2p", *where, *options)
            took = time.monotonic() - began
            named = f"{command} --steps {steps}" if command == "tune" else command
            print(
                f"{kind} {_DTYPES[kind]} {named}: peak {peak:.1f} GB, {seconds:.0f} CPU-seconds, {took:.0f} s",
                flush=True,
            )
        assert len(list(work.glob("edit/*/edited.mp4"))) == 1
    finally:
        for made in (model, work):
            shutil.rmtree(made, ignore_errors=True)
