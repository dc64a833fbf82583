"""Loaded tiny models, and where the numbers of the released code lie when they are there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vp2p.models.loading import LatentModel, load_model
from vp2p.settings import ModelSettings


@pytest.fixture
def folder(sd1_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny SD 1.x folder that a test may damage."""
    return Path(shutil.copytree(sd1_folder, tmp_path / "model"))


@pytest.fixture(scope="session")
def golden() -> Path:
    path = Path(__file__).parents[3] / "shared" / "golden"
    if not path.is_dir():
        pytest.skip("the released code's numbers are not here")
    return path


@pytest.fixture(scope="session")
def golden_model(golden: Path) -> LatentModel:
    return load_model(ModelSettings(model=str(golden / "model_h8_l2"), device="cpu"))
