"""Long clips by the command line: what is said of their windows, and what a run's identity knows of them."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.cli.running import done, vp2p
from tests.cli.test_signals import sent, tensors
from vp2p.stages.saving import Saver


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    assert vp2p("draw", "a cat on the grass", tmp_path / "cat.mp4", "--frames", 9).code == 0
    made = vp2p("init", tmp_path / "walk", "--video", tmp_path / "cat.mp4", "--prompt", "a cat", "--frames", "all")
    assert made.code == 0, made.err
    return tmp_path / "walk"


def _outlook(walk: Path) -> str:
    told = vp2p("-w", walk, "tune", "--steps", 0, "--dry-run")
    assert told.code == 0, told.err
    return told.out.splitlines()[-1]


def test_windows_are_told_of_and_enter_the_identity_of_long_clips_alone(walk: Path) -> None:
    short = _outlook(walk)
    assert "windows" not in short
    vp2p("-w", walk, "config", "model.window_frames", 9)
    assert _outlook(walk) == short  # the same run: the clip still passes at once
    vp2p("-w", walk, "config", "model.window_frames", 6)
    long = _outlook(walk)
    assert "; 9 frames pass the model in 2 windows of 6" in long
    assert long.split(":")[0] != short.split(":")[0]
    made = vp2p("-w", walk, "tune", "--steps", 0)
    assert made.code == 0 and "tuning: 9 frames pass the model in 2 windows of 6 (--window-frames)" in made.err


def test_a_window_that_is_too_short_is_refused(tmp_path: Path) -> None:
    refused = vp2p("init", tmp_path / "w", "--video", "x.mp4", "--prompt", "a cat", "--window-frames", 1)
    assert refused.code == 2
    assert refused.cause.endswith("window_frames is 1, but must be 4 or more.")
    assert refused.hint.endswith("give --window-frames 4 or more")


def test_an_edit_of_a_long_clip_goes_on_after_a_signal(
    walk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vp2p("-w", walk, "config", "model.window_frames", 6)
    done("-w", walk, "tune", "--steps", 0)
    done("-w", walk, "invert", "--steps", 2)
    shutil.copytree(walk, tmp_path / "unbroken")
    words = ("edit", "--swap", "cat=dog", "--no-paste", "--no-propagate")
    monkeypatch.setattr(Saver.__init__, "__defaults__", (0.0,))
    with sent(signal.SIGINT, lambda: any(walk.glob("edit/dog/checkpoint/*"))):
        ran = vp2p("-w", walk, *words)
    assert ran.code == 130 and "the same command" in ran.err
    assert "edit --swap cat=dog --no-propagate --no-paste --name dog   (goes" in done("-w", walk, "status").err
    assert ": resumed" in done("-w", walk, *words).err
    assert not (walk / "edit" / "dog" / "checkpoint").exists() and not (walk / "edit" / "dog-2").exists()
    done("-w", tmp_path / "unbroken", *words)
    assert tensors(walk, "edit") == tensors(tmp_path / "unbroken", "edit")
