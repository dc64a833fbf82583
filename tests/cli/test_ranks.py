"""Commands under torchrun: two ranks do what one does, and leave what one leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.cli.conftest import Make
from tests.cli.running import done
from vp2p.cli import ranks
from vp2p.errors import UsageError

ROOT = Path(__file__).parents[2]
_TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "vp2p"]
_ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "VP2P_PROGRESS_SECONDS": "0"}


def _by_two(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*_TORCHRUN, *map(str, words)],
        env=os.environ | _ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _lines(err: str, start: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith(start)]


@pytest.mark.slow
def test_an_edit_by_two_ranks_is_that_of_one(work: Make) -> None:
    folder = work("sd2", "invert")
    done("edit", "--swap", "cat=dog", "--name", "alone")
    by_two = _by_two("edit", "--swap", "cat=dog", "--name", "two")
    out, err = by_two.communicate(timeout=300)
    assert by_two.returncode == 0, err
    assert out.splitlines() == ["edit/two/edited.mp4"] and len(_lines(err, "✓ edit two: done")) == 1
    for name in ("latents", "mask"):
        alone, two = (load_file(folder / "edit" / run / f"{name}.safetensors") for run in ("alone", "two"))
        for key in alone:
            assert float((alone[key].float() - two[key].float()).abs().max()) < 1e-3 * float(alone[key].max())
    done("verify")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["clip.mp4", "work"]


@pytest.mark.slow
def test_a_mistake_is_told_once_and_leaves_nothing(work: Make) -> None:
    folder = work("sd2", "tune")
    by_two = _by_two("edit", "--swap", "cat=dog")  # before there is an inversion, which is told before libraries load
    out, err = by_two.communicate(timeout=300)
    assert by_two.returncode == 1 and out == ""
    assert len(_lines(err, "error: ")) == len(_lines(err, "hint: ")) == 1 and "rank 1:" not in err
    assert not (folder / "edit").exists() and len(list(folder.parent.iterdir())) == 2


@pytest.mark.slow
def test_merged_tokens_are_refused_before_anything_is_done(work: Make) -> None:
    folder = work("sd2", "invert")
    by_two = _by_two("edit", "--swap", "cat=dog", "--merge-tokens", "0.5")
    out, err = by_two.communicate(timeout=300)
    assert by_two.returncode != 0 and out == "" and "rank 1:" not in err
    assert len(_lines(err, "error: --merge-tokens compares frames that several ranks hold apart")) == 1
    assert _lines(err, "hint: ") == ["hint: vp2p edit without torchrun, or leave out --merge-tokens"]
    assert not (folder / "edit").exists() and len(list(folder.parent.iterdir())) == 2


def _tuning(steps: int) -> subprocess.Popen[str]:
    """Two ranks that have tuned for three steps."""
    by_two = _by_two("tune", "--steps", str(steps))
    assert by_two.stderr is not None
    while not by_two.stderr.readline().startswith("tune 3/"):
        assert by_two.poll() is None
    return by_two


@pytest.mark.slow
def test_the_end_of_a_rank_ends_all_and_an_interruption_keeps_a_checkpoint(work: Make) -> None:
    folder = work("sd2", "init")
    by_two = _tuning(100_000)
    (lock,) = folder.parent.glob("*.lock")
    from vp2p.workspace.lock import holder

    other = holder(folder.parent / ".work.rank-1")
    assert other is not None and lock.name == "..work.rank-1.lock"
    os.kill(other.pid, signal.SIGKILL)
    began = time.monotonic()
    by_two.communicate(timeout=120)
    assert by_two.returncode == 1 and time.monotonic() - began < 60
    assert not list((folder / "tune").glob("*/manifest.json"))

    before = {*(folder / "tune").glob("*/checkpoint")}
    by_two = _tuning(100_001)  # clears what the killed rank left
    by_two.send_signal(signal.SIGINT)
    _, err = by_two.communicate(timeout=120)
    assert len(_lines(err, "interrupted; ")) == 1 and _lines(err, "error: ") == []
    (checkpoint,) = {*(folder / "tune").glob("*/checkpoint")} - before
    assert list(checkpoint.iterdir()) and len(list(folder.parent.iterdir())) == 2


def test_other_commands_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks.check("init")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "one")
    monkeypatch.setenv("WORLD_SIZE", "1")
    ranks.check("init")
    monkeypatch.setenv("WORLD_SIZE", "2")
    ranks.check("tune")
    with pytest.raises(UsageError, match="tune, attention, invert and edit") as refused:
        ranks.check("init")
    assert refused.value.hint == "without torchrun: vp2p init"


def test_files_of_finished_runs_are_linked_and_others_copied(tmp_path: Path) -> None:
    for run in ("finished", "begun"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "log.jsonl").write_text("{}")
    (tmp_path / "finished" / "manifest.json").write_text("{}")
    for run, linked in (("finished", True), ("begun", False)):
        ranks._take(str(tmp_path / run / "log.jsonl"), str(tmp_path / run / "other"))
        assert (tmp_path / run / "other").samefile(tmp_path / run / "log.jsonl") is linked
        assert (tmp_path / run / "other").read_text() == "{}"
