"""What runs on the workers of a Ray cluster."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from vp2p.batch.graph import Failure, Graph, Job
from vp2p.batch.plan.diagnostics import Diagnostics, PlanError
from vp2p.batch.plan.read import Plan
from vp2p.batch.progress import at_most_every
from vp2p.stages.result import StageResult
from vp2p.stages.running import Patience
from vp2p.stages.saving import Interrupted, interrupt

if TYPE_CHECKING:
    from vp2p.batch.pool import Pool

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


def build_plan(plan: Plan, diagnostics: Diagnostics) -> Graph | Diagnostics:
    """The graph of a plan as this node sees it, or all of its mistakes."""
    from vp2p.batch.build import build_graph

    try:
        return build_graph(plan, diagnostics)
    except PlanError:
        return diagnostics


def run_jobs(board: Any, keys: list[str], jobs: list[Job], parent: str | None) -> list[StageResult | Failure]:
    """Does jobs, as :func:`vp2p.batch.job.attempt` does; news of the nodes ``keys`` go to ``board``.

    Raises:
        KeyboardInterrupt: the task was cancelled; a checkpoint is saved.
    """
    import ray

    from vp2p.batch.job import attempt

    def tell(what: str, done: int, total: int, metric: str = "") -> None:
        board.tell.remote(keys, what, done, total, metric)

    with suppress(ray.exceptions.RayError):
        ray.get(board.tell.remote(keys))  # it must be known even if this worker is lost at once
    before = None
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, interrupt)
    try:
        return attempt(_pool(), jobs, parent, at_most_every(_SECONDS_BETWEEN_NEWS, tell))
    except Interrupted as interrupted:
        raise KeyboardInterrupt from interrupted  # Ray's own word for it
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)


@cache
def _pool() -> Pool:
    """The loaded model of this worker process, which Ray gives one task after another."""
    from vp2p.batch.pool import Pool

    return Pool(Patience(_LOCK_SECONDS))
