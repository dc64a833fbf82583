"""``vp2p edit --swap "cat=dog|rabbit"``: each alternative is the edit that it is when asked for alone."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torch.testing import assert_close

from tests.cli.conftest import Make
from tests.cli.running import done, refused, snapshot, vp2p
from tests.cli.test_signals import sent
from vp2p.stages.redo import redo, run_command
from vp2p.workspace import Workspace, load_tensors

ROOT = Path(__file__).parents[2]
QUICK = ("--candidates", "0", "--no-propagate")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "edit").iterdir() if path.name[0] != ".")


def states(*words: str) -> list[tuple[str, str]]:
    """The runs that a command tells of in its envelopes, and what became of each."""
    results = [json.loads(line)["result"] for line in done(*words, "--json").out.splitlines()]
    return [(result["run"], result["state"]) for result in results]


def test_each_is_the_edit_that_it_is_alone(work: Make, tmp_path: Path) -> None:
    folder = work("words", "invert")
    shutil.copytree(folder.parent, tmp_path / "alone")
    alone = tmp_path / "alone" / "work"
    ran = done("edit", "--swap", "cat=dog|bird", *QUICK)
    assert ran.out.splitlines() == ["edit/dog/edited.mp4", "edit/bird/edited.mp4"]
    for word in ("dog", "bird"):
        assert "up to date" in done("edit", "--swap", f"cat={word}", *QUICK).err
        done("-w", alone, "edit", "--swap", f"cat={word}", *QUICK)
        mine, other = (Workspace(at).by_name("edit", word) for at in (folder, alone))
        assert mine.identity == other.identity and mine.record().settings == other.record().settings
        assert mine.manifest().artifacts.keys() == other.manifest().artifacts.keys()
        latents = [load_tensors(run.path("latents.safetensors"), "") for run in (mine, other)]
        assert_close(*latents, atol=2e-4, rtol=1e-3)
    assert names(folder) == ["bird", "dog"] and run_command(mine) == run_command(other)


def test_what_is_there_already_is_not_made_again(work: Make) -> None:
    folder = work("words", "invert")
    done("edit", "--swap", "cat=bird", *QUICK)
    before = snapshot(folder / "edit" / "bird")
    words = ("edit", "--swap", "cat=dog|bird", *QUICK)
    told = done(*words, "-n").out.splitlines()
    assert [line.partition(" (")[0] for line in told[-2:]] == ["edit dog: run", "edit bird: up to date"]
    assert len(told) == 5  # what they are made from is told once
    assert states(*words) == [("dog", "done"), ("bird", "up to date")]
    assert snapshot(folder / "edit" / "bird") == before
    assert states(*words) == [("dog", "up to date"), ("bird", "up to date")]
    assert states(*words, "--force") == [("dog", "done"), ("bird", "done")]


def test_every_combination_is_made_and_takes_a_name_of_its_own(work: Make) -> None:
    work("words", "invert")
    words = ("--swap", "cat=dog|Dog", "--swap", "grass=sand|snow", *QUICK)
    made = ["dog-sand", "dog-snow", "dog-sand-2", "dog-snow-2"]
    assert states("edit", *words) == [(name, "done") for name in made]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--swap", "cat=dog|bird", "--name", "x"), "--name names one edit, but this makes 2."),
        (("--swap", "cat=dog|"), "empty alternative"),
        (("--swap", "cat=" + "|".join(map(str, range(17)))), "17 edits, but one command makes at most 16"),
    ],
)
def test_a_mistake_in_one_makes_none(work: Make, words: tuple[str, ...], cause: str) -> None:
    folder = work("words", "invert")
    before = snapshot(folder)
    assert cause in refused(2, "edit", *words).cause
    assert cause in refused(2, "edit", *words, "--dry-run").cause
    assert snapshot(folder) == before


def test_a_bar_can_be_typed_and_is_typed_in_hints(work: Make) -> None:
    folder = work("words", "invert")
    ran = done("edit", "--swap", r"cat=dog\|bird", *QUICK, "--json").json["result"]
    assert ran["facts"]["prompt"] == "a dog|bird is running on the grass"
    run = Workspace(folder, redo).by_name("edit", ran["run"])
    assert r"--swap 'cat=dog\|bird'" in run_command(run)


def test_an_interruption_keeps_what_was_finished(work: Make) -> None:
    folder = work("words", "invert")
    words = ("edit", "--swap", "cat=dog|bird|tiger", *QUICK)
    with sent(signal.SIGINT, (folder / "edit" / "dog" / "manifest.json").exists):
        ran = vp2p(*words)
    assert ran.code == 130 and "Traceback" not in ran.err
    kept = names(folder)
    assert "dog" in kept and "tiger" not in kept
    before = snapshot(folder / "edit" / "dog")
    assert states(*words)[0] == ("dog", "up to date") and states(*words)[2] == ("tiger", "up to date")
    assert snapshot(folder / "edit" / "dog") == before and len(names(folder)) == 3


_KILLED = """
import os, signal, sys
from pathlib import Path
from vp2p.settings import EditSettings
from vp2p.stages.edit import edit_all
from vp2p.stages.session import Session
from vp2p.workspace import Workspace
folder = Path(sys.argv[1])
def kill(*_):
    if (folder / "edit/dog/manifest.json").exists():
        os.kill(os.getpid(), signal.SIGKILL)
asked = [EditSettings.of(swap=[f"cat={word}"], candidates=0, propagate=False) for word in sys.argv[2:]]
edit_all(Session(Workspace(folder)), asked, progress=kill)
"""


def test_after_a_kill_the_rest_is_made(work: Make) -> None:
    folder = work("words", "invert")
    words = ["dog", "bird", "rabbit", "tiger", "horse"]
    killed = subprocess.run([sys.executable, "-c", _KILLED, folder, *words], cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL
    found = states("edit", "--swap", f"cat={'|'.join(words)}", *QUICK)
    assert found == [*((word, "up to date") for word in words[:4]), ("horse", "done")]
    assert "damaged" not in done("verify").out
