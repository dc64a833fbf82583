"""A workspace in a temporary folder, and child processes that the tests may kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest

from vp2p.settings import ClipSettings
from vp2p.stages.redo import redo
from vp2p.workspace import Workspace, WorkspaceConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    config = WorkspaceConfig(prompt="a cat is running", video="../cat.mp4", clip=ClipSettings(frames=4))
    return Workspace.create(tmp_path / "cat", config, redo)


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Python code with arguments; what still runs at the end is killed."""
    children = []

    def _start(code: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        children.append(child)
        return child

    yield _start
    for child in children:
        child.kill()
        child.wait()
        child.stdout.close()
