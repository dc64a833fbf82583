"""A workspace of a tiny model with edits, made once, and its report in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator

import pytest

from tests.cli.running import done
from tests.report.browser import Opened, opened

PROMPT = "a cat on the grass"
HOSTILE = 'a cat on the </script><img src=x onerror="hurt=1"> & {{ 7*7 }}'
FRAMES = 3


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, sd1_folder: Path) -> Path:
    """Three frames, a tune run, the attention of cat, two inversions with edits: hostile; dog and red.

    Not to be changed.
    """
    folder = tmp_path_factory.mktemp("made")
    done("draw", PROMPT, folder / "cat.mp4", "--frames", str(FRAMES))
    options = ("--frames", str(FRAMES), "--size", "64", "--model", sd1_folder)
    walk = folder / "walk"
    done("init", walk, "--video", folder / "cat.mp4", "--prompt", PROMPT, *options)
    done("-w", walk, "tune", "--steps", "3")
    done("-w", walk, "attention", "cat")
    done("-w", walk, "invert", "--method", "null-text", "--steps", "2", "--inner-steps", "2")
    done("-w", walk, "edit", "--prompt", HOSTILE, "--name", "hostile", "--no-blend", "--format", "webp")
    done("-w", walk, "invert", "--method", "direct", "--steps", "4")
    done("-w", walk, "edit", "--swap", "cat=dog")
    done("-w", walk, "edit", "--prompt", "a red cat on the grass", "--reweight", "red:2", "--name", "red")
    return walk


@pytest.fixture
def walk(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace for one test, which then stands in it."""
    shutil.copytree(made.parent, tmp_path / "at")
    monkeypatch.chdir(tmp_path / "at" / "walk")
    return tmp_path / "at" / "walk"


@pytest.fixture(scope="session")
def page(made: Path) -> Path:
    """That workspace's report, in one file outside it."""
    path = made.parent / "page.html"
    done("-w", made, "report", "--out", path)
    return path


@pytest.fixture
def report(browser: object, page: Path) -> Iterator[Opened]:
    """The report in a desktop window, standing still at its first frame."""
    with opened(browser, page, reduced_motion="reduce") as shown:
        yield shown
