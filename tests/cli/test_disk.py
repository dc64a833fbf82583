"""A full disk, and one that may not be written: said in a sentence; the same command goes on once there is room."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import pytest

from tests.cli.conftest import PROMPT, Make
from tests.cli.running import done, refused, snapshot


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes, as if the disk were full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_init_on_a_full_disk_leaves_nothing(
    tmp_path: Path, clip: Path, sd2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    options = ("--video", clip, "--prompt", PROMPT, "--model", sd2_folder, "--frames", "3", "--size", "64")
    before = snapshot(tmp_path)
    for folder in ("new", "empty", "deep/er"):
        with largest_file(4000):
            ran = refused(1, "init", folder, *options)
        assert "frames.safetensors" in ran.cause and "the same command again" in ran.hint
        assert {name: one for name, one in snapshot(tmp_path).items() if name != "deep"} == before
    done("init", "new", *options)


STAGES: list[tuple[str, tuple[str, ...], int, str]] = [
    ("init", ("tune", "--steps", "2"), 8000, "tuned.safetensors"),
    ("tune", ("invert", "--method", "null-text", "--steps", "3", "--inner-steps", "1"), 20000, "null.safetensors"),
    ("tune", ("invert", "--steps", "2", "--method", "direct"), 5000, "trajectory.safetensors"),
    ("invert", ("edit", "--swap", "cat=dog"), 2200, "latents.safetensors"),
    ("invert", ("edit", "--swap", "cat=dog"), 8000, "mp4"),
]


@pytest.mark.parametrize(("stage", "words", "size", "name"), STAGES, ids=[f"{one[1][0]} {one[3]}" for one in STAGES])
def test_a_full_disk(work: Make, stage: str, words: tuple[str, ...], size: int, name: str) -> None:
    folder = work("sd2", stage)
    before = snapshot(folder)
    with largest_file(size):
        ran = refused(1, *words)
    assert name in ran.cause and "again" in ran.hint, ran.err
    after = snapshot(folder)
    assert {key: after[key] for key in before} == before
    assert set(after) - set(before) <= {words[0]}  # the stage's folder itself, empty
    assert ": done" in done(*words).err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_no_permission(work: Make) -> None:
    folder = work("sd2", "init")
    before = snapshot(folder)
    folder.chmod(0o555)
    try:
        ran = refused(1, "tune", "--steps", "1")
    finally:
        folder.chmod(0o755)
    assert str(folder) in ran.cause and "write permission" in ran.hint
    assert snapshot(folder) == before
