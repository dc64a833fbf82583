"""Plans over small clips and a tiny model, and the command on them as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.cli.conftest import moving_square, save_clip

ROOT = Path(__file__).parents[2]
PROMPT = "a cat is running on the grass"
EDITS = """
  - {name: dog, swap: cat=dog}
  - {name: sand, swap: [grass=sand]}
  - {name: red, prompt: a red cat is running on the grass}
  - {name: more, reweight: ["cat:2"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two clips that differ, one.mp4 and two.mp4, and bad.mp4, which is none."""
    save_clip(tmp_path / "one.mp4", moving_square(4), sound=False)
    save_clip(tmp_path / "two.mp4", moving_square(4)[:, ::-1], sound=False)
    (tmp_path / "bad.mp4").write_text("no video")
    return tmp_path


@pytest.fixture
def write(folder: Path, sd2_folder: Path) -> Callable[..., Path]:
    """A function that writes plan.yaml: videos by name, tuning steps, and more lines as they are."""

    def _write(*videos: str, steps: int = 2, more: str = "", edits: str = EDITS) -> Path:
        lines = [
            "format: 1",
            "workspaces: work",
            "defaults:",
            "  clip: {frames: 2, size: '32'}",
            f"  model: {{model: {sd2_folder}, device: cpu}}",
            f"  tune: {{steps: {steps}, learning_rate: 0.001}}",
            "  invert: {method: direct, steps: 3}",
            "videos:",
            *(f"  - {{video: {name}.mp4, prompt: {PROMPT}}}" for name in videos),
            more,
            f"edits: {edits}",
        ]
        path = folder / "plan.yaml"
        path.write_text("\n".join(lines))
        return path

    return _write


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``vp2p batch --json`` with these words; what still runs at the end is killed."""
    started = []

    def _start(*words: str | Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "vp2p", "batch", "--json", *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, env=environment, text=True, **pipes))
        return started[-1]

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def results(text: str) -> list[dict[str, Any]]:
    """The envelopes of items among the lines of stdout."""
    return [line for line in map(json.loads, text.splitlines()) if line.get("command") == "batch"]


def states(text: str) -> dict[tuple[str, ...], str]:
    """Each item's state by its names."""
    told = [line["result"] for line in results(text)]
    return {(one["video"], one["settings"], one["edit"]): one["state"] for one in told}


def wait_for(condition: Callable[[], Any], seconds: float = 300) -> Any:
    """What ``condition`` gives once that is true."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
    return found


def tuning(workspace: Path, steps: int = 2) -> list[Path]:
    """The tune runs that have logged so many steps and are not finished."""
    runs = [log.parent for log in workspace.glob("tune/*/log.jsonl") if log.read_bytes().count(b"\n") >= steps]
    return [run for run in runs if not (run / "manifest.json").exists()]


def leftovers(folder: Path) -> list[Path]:
    """Temporary files, and runs that have neither finished nor a checkpoint."""
    runs = [path for stage in ("source", "tune", "invert", "edit") for path in folder.glob(f"*/{stage}/[!.]*")]
    half = [run for run in runs if not (run / "manifest.json").exists() and not list(run.glob("checkpoint/*"))]
    return [*folder.rglob(".tmp-*"), *half]
