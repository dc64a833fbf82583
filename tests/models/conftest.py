"""Loaded tiny models, and where the numbers of the released code lie when they are there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def folder(sd1_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny SD 1.x folder that a test may damage."""
    return Path(shutil.copytree(sd1_folder, tmp_path / "model"))


@pytest.fixture
def peft() -> None:
    pytest.importorskip("peft", reason="peft is not installed")
