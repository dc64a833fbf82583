"""kill -9 in the middle of a stage: the same command goes on, and ends byte for byte as if unbroken."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Make
from tests.cli.running import done, vp2p

ROOT = Path(__file__).parents[2]
Moment = tuple[str, int]
STAGES: list[tuple[str, str, dict[str, Any], list[list[Moment]]]] = [
    # Before the first checkpoint; in the middle; at the last step; twice.
    ("init", "tune", {"steps": 4}, [[("tune", 1)], [("tune", 3)], [("tune", 4)], [("tune", 2), ("tune", 4)]]),
    (
        "tune",
        "invert",
        {"method": "null-text", "steps": 3, "inner_steps": 2, "tolerance": 0.0},
        # On the way to noise; between the two parts; in null-text; in each of them.
        [
            [("invert", 1)],
            [("invert", 3)],
            [("null-text", 0)],
            [("null-text", 2)],
            [("null-text", 3)],
            [("invert", 2), ("null-text", 1)],
        ],
    ),
    ("tune", "invert", {"steps": 3, "method": "ddim"}, [[("reconstruct", 2)]]),
]


def left(folder: Path, stage: str) -> dict[str, bytes]:
    """The files of a stage's one run, without those that say when it was made."""
    (run,) = (path for path in (folder / stage).iterdir() if not path.name.startswith("."))
    return {
        str(path.relative_to(run)): path.read_bytes()
        for path in run.rglob("*")
        if path.is_file() and path.name not in ("settings.yaml", "manifest.json")
    }


@pytest.fixture(scope="module")
def killed(prepared: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[Path, Path, str]], Path]:
    """Workspaces of unbroken runs and of broken ones that went on, with their stage; and one whose run stays broken.

    One process does them all, as its libraries take seconds to load.
    """
    tmp_path = tmp_path_factory.mktemp("killed")
    jobs: list[dict[str, Any]] = []
    pairs: list[tuple[Path, Path, str]] = []
    for number, (before, stage, settings, cases) in enumerate(STAGES):
        at = prepared("sd2", before).parent
        unbroken = tmp_path / f"{number}-unbroken"
        shutil.copytree(at, unbroken)
        jobs.append({"folder": str(unbroken / "work"), "stage": stage, "settings": settings, "kill": None})
        for place, moments in enumerate(cases):
            broken = tmp_path / f"{number}-{place}"
            shutil.copytree(at, broken)
            for moment in (*moments, None):
                jobs.append({"folder": str(broken / "work"), "stage": stage, "settings": settings, "kill": moment})
            pairs.append((unbroken / "work", broken / "work", stage))
    left_so = tmp_path / "left" / "work"
    shutil.copytree(prepared("sd2", "init").parent, left_so.parent)
    jobs.append({"folder": str(left_so), "stage": "tune", "settings": {"steps": 4}, "kill": ["tune", 3]})
    command = [sys.executable, "-m", "tests.cli.killing", json.dumps(jobs)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return pairs, left_so


@pytest.mark.slow
def test_killed_runs_end_as_unbroken_ones(killed: tuple[list[tuple[Path, Path, str]], Path]) -> None:
    for unbroken, broken, stage in killed[0]:
        assert left(broken, stage) == left(unbroken, stage), broken


@pytest.mark.slow
def test_status_of_a_killed_run(
    killed: tuple[list[tuple[Path, Path, str]], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(killed[1])
    ran = done("status")
    assert "interrupted at step 2" in ran.out and "next: vp2p tune --steps 4" in ran.err
    assert vp2p("invert").code == 1  # an unfinished tune run is none
    assert ": resumed" in done("tune", "--steps", "4").err
