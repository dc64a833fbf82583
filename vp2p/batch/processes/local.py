"""The jobs of a plan on processes of this machine."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing import connection, resource_tracker

from vp2p.batch.graph import Failure, Graph, Node
from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.batch.plan.read import Plan
from vp2p.batch.processes.child import serve
from vp2p.batch.scheduler import Scheduler
from vp2p.batch.signals import STOPPING, noted
from vp2p.forks import context
from vp2p.settings import ModelSettings
from vp2p.stages.saving import Interrupted

_SECONDS = 0.3
_SECONDS_TO_STOP = 30
_PRELOADED = "vp2p.batch.processes.preloaded"  # not imported here: this process plans, and edits nothing
_log = logging.getLogger(__name__)


class Local:
    """Up to ``jobs`` processes at a time."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def build_graph(self, plan: Plan, diagnostics: Diagnostics) -> Graph:
        """:func:`vp2p.batch.build.build_graph`, in this process."""
        from vp2p.batch.build import build_graph

        return build_graph(plan, diagnostics)

    def run(self, scheduler: Scheduler, plan: Plan) -> None:
        """Does what is left. A process that dies takes only its own job with it; another takes its place.

        Raises:
            Interrupted: a signal came; the processes have saved their checkpoints.
        """
        workers: list[_Worker] = []
        told = 0
        try:
            with noted() as signals:
                while scheduler.left and not (signals and not any(worker.nodes for worker in workers)):
                    if not signals:
                        _hand_out(scheduler, workers, self._jobs)
                    for signum in signals[told:]:
                        told += 1
                        for worker in workers:
                            worker.stop(signum)
                    _listen(scheduler, workers, bool(signals))
        finally:
            for worker in workers:
                worker.close()
        if signals:
            raise Interrupted(signals[0])


def _listen(scheduler: Scheduler, workers: list[_Worker], stopping: bool) -> None:
    """Hears what the processes say for a moment. A signal does not end the wait, but the time limit does."""
    for waited in connection.wait([part for worker in workers for part in worker.news], _SECONDS):
        worker = next((worker for worker in workers if waited in worker.news), None)
        if worker is not None and not worker.listen(scheduler, stopping):
            workers.remove(worker)


def _hand_out(scheduler: Scheduler, workers: list[_Worker], jobs: int) -> None:
    """Gives every free process a job, or edits that share it, and starts processes as long as there are jobs."""
    while ready := scheduler.ready():
        free = [worker for worker in workers if not worker.nodes]
        idle = jobs - len(workers) + len(free)
        if not free and len(workers) < jobs:
            taken = {worker.index for worker in workers}
            free = [_Worker(next(index for index in range(jobs) if index not in taken), jobs)]
            workers += free
        if not free:
            return
        worker, node = max(((worker, node) for worker in free for node in ready), key=lambda pair: _fit(*pair))
        nodes = scheduler.take(node, idle)
        scheduler.began(nodes)
        worker.give(nodes, scheduler.parent_run(node))


def _fit(worker: _Worker, node: Node) -> tuple[bool, bool, int]:
    """How well a job suits a process: its model is loaded there, its workspace was the last one, it is near an end."""
    depth = ("init", "tune", "invert", "edit").index(node.job.stage)
    return worker.model == _model(node), worker.last is not None and worker.last.job.folder == node.job.folder, depth


def _model(node: Node) -> ModelSettings:
    return node.job.config.model


class _Worker:
    """A child process, and the nodes whose jobs it has."""

    def __init__(self, index: int, jobs: int) -> None:
        self.index = index
        self.nodes: list[Node] = []
        self.last: Node | None = None
        self._pipe, theirs = multiprocessing.Pipe()
        arguments = (theirs, index, jobs, logging.getLogger().getEffectiveLevel(), dict(os.environ))
        self._process = context(_PRELOADED).Process(target=serve, args=arguments, daemon=True)
        # Held back until the child can act on it, as by the process that it is a fork of; the tracker, once it runs,
        # leaves the mask alone.
        resource_tracker.ensure_running()
        held = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
        theirs.close()

    @property
    def news(self) -> tuple[connection.Connection, int]:
        """What is ready when the process has said something, or has ended."""
        return self._pipe, self._process.sentinel

    @property
    def model(self) -> ModelSettings | None:
        """The model that the process holds."""
        return _model(self.last) if self.last else None

    def give(self, nodes: list[Node], parent: str | None) -> None:
        self.nodes, self.last = nodes, nodes[0]
        with suppress(OSError):  # it has died, which is seen next
            self._pipe.send(([node.job for node in nodes], parent))

    def listen(self, scheduler: Scheduler, stopping: bool) -> bool:
        """Passes on what the process says; returns whether it still lives."""
        try:
            while self._pipe.poll():
                kind, *told = self._pipe.recv()
                if kind == "log":
                    _log.log(*told)
                elif kind == "progress":
                    scheduler.progress(self.nodes, *told)
                else:
                    nodes, self.nodes = self.nodes, []
                    for node, outcome in zip(nodes, *told):
                        scheduler.end(node, outcome)
        except (EOFError, OSError):
            self._process.join()
        if self._process.is_alive():
            return True
        lost, self.nodes = self.nodes, []
        if len(lost) > 1 and not stopping:
            scheduler.give_back(lost)
        elif lost and not stopping:
            scheduler.end(lost[0], _death(self._process.exitcode))
        return False

    def stop(self, signum: int) -> None:
        if self._process.is_alive() and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signum)

    def close(self) -> None:
        """Ends the process; one that still works saves its checkpoint first."""
        if self.nodes:
            self.stop(signal.SIGTERM)
        self._pipe.close()
        self._process.join(_SECONDS_TO_STOP)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _death(code: int | None) -> Failure:
    """Why a process that ended by itself may have done so."""
    by = code - 128 if code and code > 128 else -(code or 0)
    how = f"killed by {signal.Signals(by).name}" if by in set(signal.Signals) else f"ended with exit code {code}"
    hint = "if memory was short: fewer --jobs, fewer frames or a smaller size; the same command takes it up again"
    return Failure("ProcessError", f"The process that did this was {how}.", hint)
