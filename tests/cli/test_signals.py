"""SIGTERM and SIGINT on a running command: its exit code, a checkpoint, and the same command goes on."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

import pytest

from tests.cli.conftest import Make
from tests.cli.running import done, snapshot, vp2p


@contextmanager
def sent(signum: int, when: Callable[[], object]) -> Iterator[None]:
    """Sends this process a signal as soon as ``when`` holds."""
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set() and not when():
            time.sleep(0.001)
        if not stop.is_set():
            os.kill(os.getpid(), signum)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def logged(folder: Path, stage: str) -> Callable[[], bool]:
    """Whether a run of the stage has logged two steps."""
    return lambda: any(file.read_bytes().count(b"\n") >= 2 for file in (folder / stage).glob("*/log.jsonl"))


def tensors(folder: Path, stage: str) -> dict[str, bytes]:
    (run,) = (path for path in (folder / stage).iterdir() if not path.name.startswith("."))
    return {path.name: path.read_bytes() for path in run.glob("*.safetensors")}


@pytest.mark.parametrize(
    ("signum", "code", "stage", "words"),
    [
        (signal.SIGTERM, 143, "tune", ("tune", "--steps", "24")),
        (
            signal.SIGINT,
            130,
            "invert",
            ("invert", "--method", "null-text", "--steps", "8", "--inner-steps", "2", "--tolerance", "0"),
        ),
    ],
    ids=["tune", "invert"],
)
def test_a_signal_leaves_a_checkpoint(
    work: Make, tmp_path: Path, signum: int, code: int, stage: str, words: tuple[str, ...]
) -> None:
    folder = work("sd2", {"tune": "init", "invert": "tune"}[stage])
    shutil.copytree(folder.parent, tmp_path / "unbroken")
    with sent(signum, logged(folder, stage)):
        ran = vp2p(*words)
    assert ran.code == code and "the same command" in ran.err and ran.out == "" and "Traceback" not in ran.err
    assert len(list((folder / stage).glob("*/checkpoint/*.safetensors"))) == 1
    assert f"vp2p {stage} --" in done("status").err and "goes on where" in done("status").err
    assert ": resumed" in done(*words).err
    done("-w", tmp_path / "unbroken" / "work", *words)
    assert tensors(folder, stage) == tensors(tmp_path / "unbroken" / "work", stage)


def test_an_interrupted_edit_leaves_nothing(work: Make) -> None:
    folder = work("sd2", "edit")
    before = snapshot(folder)
    with sent(signal.SIGINT, lambda: (folder / "edit" / "bird" / "settings.yaml").exists()):
        ran = vp2p("edit", "--swap", "cat=bird")
    assert ran.code == 130 and ran.out == ""
    assert snapshot(folder) == before
    with sent(signal.SIGTERM, lambda: (folder / "edit" / ".dog.old").exists()):
        ran = vp2p("edit", "--swap", "cat=dog", "--force")
    assert ran.code == 143
    assert snapshot(folder) == before


def test_a_signal_within_a_removal_is_still_a_signal(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's rmtree closes a folder once more when it is broken off just behind the first time, and that fails."""
    folder = work("sd2", "edit")
    remove, close = shutil.rmtree, os.close

    def breaking(descriptor: int) -> None:
        close(descriptor)
        monkeypatch.setattr(os, "close", close)
        os.kill(os.getpid(), signal.SIGTERM)

    def removing(path: Path, *words: object, **named: object) -> None:
        if path.name == ".dog.old":
            monkeypatch.setattr(os, "close", breaking)
            monkeypatch.setattr(shutil, "rmtree", remove)
        remove(path, *words, **named)

    monkeypatch.setattr(shutil, "rmtree", removing)
    ran = vp2p("edit", "--swap", "cat=dog", "--force")
    assert os.close is close and ran.code == 143 and "Traceback" not in ran.err, ran
    assert done("edit", "--swap", "cat=dog").err.count("up to date") and not (folder / "edit" / ".dog.old").exists()


def test_a_signal_at_the_very_start_is_told_like_any_other(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Just after the command has said what signals do."""
    work("sd2", "init")
    monkeypatch.setattr("vp2p.cli.app.mend_words", lambda: os.kill(os.getpid(), signal.SIGINT))
    ran = vp2p("status")
    assert ran.code == 130 and "interrupted" in ran.err and "Traceback" not in ran.err, ran


def test_a_second_signal_stops_a_step_and_saves_nothing_half_done(work: Make) -> None:
    """The state that tuning advances in place is whole only between two steps."""
    import torch

    from vp2p.stages.saving import Interrupted, Saver
    from vp2p.workspace import Workspace
    from vp2p.workspace.lifecycle import begin

    run = Workspace(work("sd2", "init")).run("tune", "0" * 64)
    begin(run, {})
    state = torch.zeros(2)
    with pytest.raises(Interrupted), Saver(run, immutable=False) as saver:
        saver.offer(lambda: ({"state": state}, {"step": 1}))
        state[0] = 1  # half of the next step
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    assert run.load_checkpoint() is None
    state.zero_()
    with pytest.raises(Interrupted), Saver(run, immutable=False) as saver:
        saver.offer(lambda: ({"state": state}, {"step": 1}))
        os.kill(os.getpid(), signal.SIGTERM)
        state += 1
        saver.offer(lambda: ({"state": state}, {"step": 2}))
    assert run.load_checkpoint()[1] == {"step": 2}
