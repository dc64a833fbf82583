"""Runs stages in processes that kill themselves: ``python -m tests.cli.killing JOBS``, JOBS a JSON list.

Each job is ``{"folder", "stage", "settings", "kill"}``; ``kill`` is ``[what, done]``, the progress at
which the process sends itself SIGKILL, or null. Every job is a fork, so libraries and model load once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

import vp2p.method.editing
import vp2p.method.inversion.ddim
import vp2p.method.inversion.null_text
import vp2p.method.tuning
import vp2p.models.codec  # noqa: F401
from vp2p.models import loading
from vp2p.schema import from_mapping
from vp2p.settings import InvertSettings, TuneSettings
from vp2p.stages.invert import invert
from vp2p.stages.session import Session
from vp2p.stages.tune import tune
from vp2p.workspace import Workspace

_STAGES = {"tune": (tune, TuneSettings), "invert": (invert, InvertSettings)}


def run(job: dict[str, Any]) -> None:
    """Runs one job in this process, with a checkpoint after every step."""
    stage, settings = _STAGES[job["stage"]]

    def progress(what: str, done: int, total: int, metric: str = "") -> None:
        if [what, done] == job["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)

    session = Session(Workspace(Path(job["folder"])))
    stage(session, from_mapping(settings, job["settings"]), progress=progress, checkpoint_seconds=0)


def load(jobs: list[dict[str, Any]]) -> None:
    """Loads the one model of all jobs, of which every fork then has its own copy."""
    (settings,) = {Session(Workspace(Path(job["folder"]))).settings for job in jobs}
    model = loading.load_model(settings)
    loading.load_model = lambda named: {settings: model}[named]


def run_in_fork(job: dict[str, Any]) -> int:
    """The signal that ended the job, or 0."""
    child = os.fork()
    if not child:
        try:
            run(job)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    return os.WEXITSTATUS(status) and -os.WEXITSTATUS(status)


if __name__ == "__main__":
    torch.set_num_threads(1)
    asked = json.loads(sys.argv[1])
    load(asked)
    for one in asked:
        ended, wanted = run_in_fork(one), signal.SIGKILL if one["kill"] else 0
        if ended != wanted:
            sys.exit(f"{one} ended with {ended}, not {wanted}")
