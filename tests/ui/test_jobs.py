"""Work that a page starts: shown while it runs, stopped, killed, and taken up again."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Callable

import pytest

from vp2p.errors import ArtifactError, LockedError, UsageError
from vp2p.ui import jobs, show
from vp2p.ui.jobs import News
from vp2p.ui.root import Root
from vp2p.workspace import Workspace


def until(workspace: Workspace, so: Callable[[News], bool]) -> News:
    for _ in range(1200):
        now = jobs.news(workspace)
        assert now is not None
        if so(now):
            return now
        time.sleep(0.05)
    raise AssertionError(f"never so: {now}")


@pytest.mark.slow
def test_work_is_stopped_and_goes_on_and_is_killed(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    jobs.start(workspace, "tune", ["--steps=300"])
    running = until(workspace, lambda now: now.step is not None and now.step.done > 2)
    assert running.running and running.step is not None and (running.step.what, running.step.total) == ("tune", 300)
    assert '<progress max="300"' in show.status(running)
    with pytest.raises(LockedError):
        jobs.start(workspace, "invert", [])

    jobs.stop(workspace)
    stopped = until(workspace, lambda now: not now.running)
    assert stopped.broken_off and stopped.error["kind"] == "Interrupted" and "Go on" in show.status(stopped)
    (unfinished,) = [run for run in workspace.runs("tune") if not run.finished]
    assert unfinished.step > 2

    again = jobs.go_on(workspace)
    first = until(workspace, lambda now: now.step is not None and now.step.done > 0).step
    assert first is not None and first.done >= unfinished.step
    os.kill(again.pid, signal.SIGKILL)
    killed = until(workspace, lambda now: not now.running)
    assert killed.broken_off and not killed.error and "Go on" in show.status(killed)


def test_an_error_is_one_sentence_and_what_to_press(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    jobs.start(workspace, "tune", ["--steps=<b>"])  # told before the libraries load
    ended = until(workspace, lambda now: not now.running)
    told = show.status(ended)
    assert not ended.broken_off and 'role="alert"' in told and "<b>" not in told and "&lt;b&gt;" in told


def test_a_command_to_type_becomes_the_button_to_press() -> None:
    assert "<p>press Tune</p>" in show.trouble("x", "vp2p -w /a/walk tune")
    assert "<p>press Edit</p>" in show.trouble("x", "vp2p edit --swap OLD=NEW")
    assert "<p>vp2p tune --steps 3</p>" in show.trouble("x", "vp2p tune --steps 3")


def test_what_cannot_be_started(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    with pytest.raises(UsageError):
        jobs.start(workspace, "export", ["/tmp/x"])
    with pytest.raises(UsageError):
        jobs.go_on(workspace)
    (root / "walk" / jobs.FOLDER).symlink_to(root, target_is_directory=True)
    with pytest.raises(ArtifactError):
        jobs.start(workspace, "tune", [])


@pytest.mark.parametrize("text", ["", "[", "[]", '{"stage": "tune"}', "\0", "[" * 99_999])
def test_a_damaged_record_is_no_job(root: Path, text: str) -> None:
    (root / "walk" / jobs.FOLDER).mkdir()
    (root / "walk" / jobs.FOLDER / "job.json").write_text(text)
    assert jobs.news(Root(root).workspace("walk")) is None


def test_a_job_of_another_machine_is_not_taken_for_a_process_of_this_one(root: Path) -> None:
    (root / "walk" / jobs.FOLDER).mkdir()
    job = {"stage": "tune", "options": [], "machine": "elsewhere", "pid": os.getpid(), "start": 0}
    (root / "walk" / jobs.FOLDER / "job.json").write_text(json.dumps(job))
    now = jobs.news(Root(root).workspace("walk"))
    assert now is not None and not now.running and now.broken_off
