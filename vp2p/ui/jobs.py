"""Work that a page starts: a command in a process of its own, which neither page nor server takes along.

A workspace's ``ui/`` folder holds what is known of the newest one, so any server can go on showing it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Mapping, Sequence

from vp2p import processes
from vp2p.atomic import make_folder
from vp2p.errors import LockedError, UsageError
from vp2p.progress import SECONDS_VARIABLE
from vp2p.workspace import Workspace, run_lock
from vp2p.workspace.atomic import check_unlinked, write_json, writing

FOLDER = "ui"
STAGES = ("tune", "attention", "invert", "edit")
_JOB, _OUT, _ERR = "job.json", "out.jsonl", "progress.txt"
_SECONDS = "0.5"
_SECONDS_TO_END = 3.0  # that a command which has all but ended is waited for
_TAIL = 20_000  # bytes of a command's output that are looked at
_STEP = re.compile(r"(?P<what>\S.*?) (?P<done>\d+)/(?P<total>\d+)(?: (?P<told>.*))?")


@dataclass(frozen=True)
class Job:
    """A command: its stage and options, and the process that does it, as :mod:`vp2p.processes` tells of one."""

    stage: str
    options: tuple[str, ...]
    machine: str
    pid: int
    start: int


@dataclass(frozen=True)
class Step:
    """How far a command is: ``done`` of ``total`` steps of ``what``; ``told`` is its rate, and the loss."""

    what: str
    done: int
    total: int
    told: str


@dataclass(frozen=True)
class News:
    """What is known of the newest job: whether it runs, its newest step, and what it printed at its end.

    ``results`` and ``error`` are as in the envelope (docs/scripting.md). A job that neither runs nor
    printed anything was killed.
    """

    job: Job
    running: bool
    step: Step | None = None
    results: tuple[Mapping[str, Any], ...] = ()
    error: Mapping[str, Any] = field(default_factory=dict)

    @property
    def broken_off(self) -> bool:
        """Whether it was stopped or killed, so that the same command takes it up again."""
        return not self.running and (not self.results if not self.error else self.error.get("kind") == "Interrupted")


def start(workspace: Workspace, stage: str, options: Sequence[str]) -> Job:
    """Starts a stage's command in a workspace.

    Raises:
        LockedError: another job runs there.
        UsageError: there is no such stage to start.
        ArtifactError: the disk refuses.
    """
    if stage not in STAGES:
        raise UsageError(f"{stage} cannot be started here.", "press one of the buttons")
    folder = workspace.folder / FOLDER
    check_unlinked(folder)
    with writing(folder):
        make_folder(folder)
    with run_lock(folder / "job"):
        now = _after(workspace)
        if now is not None and now.running:
            raise LockedError(f"This workspace is busy: {now.job.stage} runs.", "wait until it ends, or press Stop")
        with writing(folder), _opened(folder / _OUT) as out, _opened(folder / _ERR) as err:
            child = subprocess.Popen(
                [sys.executable, "-m", "vp2p", "-w", str(workspace.folder), stage, *options, "--json"],
                cwd=workspace.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                env={**os.environ, SECONDS_VARIABLE: _SECONDS, "PYTHONSAFEPATH": "1"},
            )
        job = Job(stage, tuple(options), processes.machine(), child.pid, processes.started(child.pid) or 0)
        write_json(folder / _JOB, asdict(job))
    return job


def go_on(workspace: Workspace) -> Job:
    """Starts the newest job again, which goes on from its checkpoint; errors as for :func:`start`."""
    now = news(workspace)
    if now is None:
        raise UsageError("Nothing was started here.", "press one of the buttons")
    return start(workspace, now.job.stage, now.job.options)


def stop(workspace: Workspace) -> None:
    """Ends the running job, which saves its checkpoint first."""
    now = news(workspace)
    if now is not None and now.running:
        with suppress(ProcessLookupError):
            os.kill(now.job.pid, signal.SIGTERM)


def news(workspace: Workspace) -> News | None:
    """What is known of a workspace's newest job; None if there was none."""
    folder = workspace.folder / FOLDER
    job = _read(folder / _JOB)
    if job is None:
        return None
    # Asked before its output is read: what has ended has said all.
    running = job.machine == processes.machine() and processes.alive(job.pid, job.start)
    steps = [match for line in _tail(folder / _ERR) if (match := _STEP.fullmatch(line))]
    printed = [] if running else _envelopes(folder / _OUT)
    return News(
        job,
        running,
        _step(steps[-1]) if steps else None,
        tuple(one["result"] for one in printed if isinstance(one.get("result"), dict)),
        next((one["error"] for one in printed if isinstance(one.get("error"), dict)), {}),
    )


def _after(workspace: Workspace) -> News | None:
    """The news, once the job has ended, or after a few seconds."""
    until = time.monotonic() + _SECONDS_TO_END
    while (now := news(workspace)) is not None and now.running and time.monotonic() < until:
        time.sleep(0.1)
    return now


def _step(match: re.Match[str]) -> Step:
    return Step(match["what"], int(match["done"]), int(match["total"]), match["told"] or "")


def _opened(path: Path) -> BinaryIO:
    """An empty file to write; a link is not followed."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666), "wb")


def _read(path: Path) -> Job | None:
    try:
        found = json.loads(path.read_text("utf-8"))
        options = tuple(map(str, found["options"]))
        return Job(str(found["stage"]), options, str(found["machine"]), int(found["pid"]), int(found["start"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _tail(path: Path) -> list[str]:
    """The last lines of a file; none if it cannot be read."""
    try:
        with open(path, "rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
            return stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _envelopes(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in _tail(path):
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return [one for one in found if isinstance(one, dict)]
