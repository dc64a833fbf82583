"""The frames between those that are edited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vp2p
from vp2p.settings import ClipSettings
from vp2p.video.between import frames_between, small
from vp2p.video.fitting import fit_frames
from vp2p.video.writing import write_video


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (21, 24, 40, 3), dtype=np.uint8)


@pytest.fixture
def folder(frames: np.ndarray, tmp_path: Path) -> Path:
    write_video(tmp_path / "clip", frames, 8, format="png")
    return tmp_path / "clip"


def test_they_are_those_that_were_not_chosen(folder: Path, frames: np.ndarray) -> None:
    found = frames_between(folder, ClipSettings(stride=4, frames="all"))
    assert [len(gap) for gap in found] == [3] * 5
    assert np.array_equal(np.concatenate(found), frames[[at for at in range(20) if at % 4]])


def test_of_wide_gaps_a_few_are_read(folder: Path, frames: np.ndarray) -> None:
    (found,) = frames_between(folder, ClipSettings(stride=20, frames="all"))
    assert np.array_equal(found, frames[1:20:4])


def test_where_all_frames_are_chosen_there_are_none(folder: Path) -> None:
    assert frames_between(folder, ClipSettings("all")) == ()


def test_they_are_fitted_as_the_clip_is(folder: Path, frames: np.ndarray) -> None:
    clip = vp2p.read_clip(folder, stride=10, frames="all", size="16")
    fitted = clip.fitted(64, 8)
    assert fitted.pixels.shape[1:3] == (16, 16) and len(fitted.between) == 2
    assert np.array_equal(fitted.between[0], fit_frames(frames[1:10:2], (16, 16), "crop"))
    assert small((1920, 1080)) == (256, 144)
