"""What runs on the workers of a Ray cluster."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import suppress
from functools import cache
from typing import Any

from vp2p.batch.graph import Failure, Graph, Job
from vp2p.batch.mistakes import Mistakes, PlanError
from vp2p.batch.plan import Plan
from vp2p.stages.result import StageResult
from vp2p.stages.saving import Interrupted, interrupt

_SECONDS_BETWEEN_NEWS = 0.5
# A lost worker's lock is freed with its process; network storage may take its lease's time for that.
_LOCK_SECONDS = 120.0


class Board:
    """An actor on which the workers leave news for the process that asked for the work."""

    def __init__(self) -> None:
        self._news: list[tuple[Any, ...]] = []

    def tell(self, *news: Any) -> None:
        self._news.append(news)

    def take(self) -> list[tuple[Any, ...]]:
        """The news since the last call."""
        news, self._news = self._news, []
        return news


def survey_plan(plan: Plan, mistakes: Mistakes) -> Graph | Mistakes:
    """The graph of a plan as this node sees it, or all of its mistakes."""
    from vp2p.batch.survey import survey

    try:
        return survey(plan, mistakes)
    except PlanError:
        return mistakes


def run_job(board: Any, key: str, job: Job, parent: str | None) -> StageResult | Failure:
    """Does a job; news of the node ``key`` go to ``board``.

    Raises:
        KeyboardInterrupt: the task was cancelled; a checkpoint is saved.
    """
    import ray

    from vp2p.batch.work import attempt

    last = 0.0

    def progress(what: str, done: int, total: int, metric: str = "") -> None:
        nonlocal last
        if time.monotonic() - last >= _SECONDS_BETWEEN_NEWS or done == total:
            last = time.monotonic()
            board.tell.remote(key, what, done, total, metric)

    with suppress(ray.exceptions.RayError):
        ray.get(board.tell.remote(key))  # it must be known even if this worker is lost at once
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, interrupt)
    try:
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            outcome = attempt(_pool(), job, parent, progress)
            if not _locked(outcome) or time.monotonic() > until:
                return outcome
            time.sleep(1)
    except Interrupted as interrupted:
        raise KeyboardInterrupt from interrupted  # Ray's own word for it
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@cache
def _pool() -> Any:
    """The loaded model of this worker process, which Ray gives one task after another."""
    from vp2p.batch.pool import Pool

    return Pool()


def _locked(outcome: StageResult | Failure) -> bool:
    return isinstance(outcome, Failure) and outcome.kind == "LockedError"
