"""The jobs of a plan as tasks of a Ray cluster; workspaces lie on storage that its nodes share."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, Iterator

from vp2p.batch.graph import Failure, Graph, Node
from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.batch.plan.read import STAGES, Plan
from vp2p.batch.plan.resources import Resources
from vp2p.batch.ray.tasks import Board, build_plan, run_jobs
from vp2p.batch.scheduler import Scheduler
from vp2p.batch.signals import noted
from vp2p.errors import UsageError, Vp2pError
from vp2p.stages.result import StageResult
from vp2p.stages.saving import Interrupted

_RETRIES = 5
_SECONDS = 0.5
_SECONDS_TO_ANSWER = 10
_NEEDS = {"num_cpus": "CPU", "num_gpus": "GPU", "memory": "memory"}
"""Ray's names of what a task needs, and of the same in what a node has."""
_INSTALL = 'pip install "vp2p[ray]" on every node'


@contextmanager
def connected(address: str) -> Iterator[Cluster]:
    """The Ray cluster at ``address``; ``auto`` is the one that this machine belongs to.

    Raises:
        UsageError: Ray is not installed.
        Vp2pError: there is no such cluster.
    """
    try:
        import ray
    except ImportError as error:
        raise UsageError("Ray is not installed.", _INSTALL) from error
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # the kinds differ between its versions
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        hint = "ray start --head on this machine, or --ray HOST:PORT of a cluster's head"
        raise Vp2pError(f"There is no Ray cluster to be reached at {address}: {reason}", hint) from error
    with redirect_stdout(sys.stderr):  # where Ray tells of lost nodes, to its very end
        try:
            yield Cluster(ray)
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError or ValueError if nothing listens at HOST:PORT, for which Ray itself would wait on and on."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_ANSWER).close()


class Cluster:
    """A connected cluster. ``ray`` is the library, which not every installation has."""

    def __init__(self, ray: Any) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray = ray
        self._nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        # On this very node, so that it is lost with no other.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        self._news: Any = None  # on their way from the board

    def build_graph(self, plan: Plan, diagnostics: Diagnostics) -> Graph:
        """:func:`vp2p.batch.build.build_graph` by a worker, which sees the device that the stages will see.

        Raises:
            PlanError: the plan has mistakes.
            UsageError: no node has what a stage needs.
        """
        devices = {item.sections["model"].get("device", "auto") for item in plan.items}
        options = [self._options(stage, plan.resources.get(stage, Resources()), devices) for stage in STAGES]
        try:
            found = self._ray.get(self._task(build_plan, options[0]).remote(plan, diagnostics))
        except self._ray.exceptions.RayError as error:
            raise Vp2pError(f"A worker could not read the plan: {_reason(error)}", _INSTALL) from error
        if isinstance(found, Diagnostics):
            found.check()
        graph: Graph = found
        return graph

    def run(self, scheduler: Scheduler, plan: Plan) -> None:
        """Does what is left. A job whose worker is lost goes to another, up to five times.

        Raises:
            Interrupted: a signal came; the workers have saved their checkpoints.
        """
        ray, told = self._ray, 0
        tasks: dict[Any, list[Node]] = {}
        with noted() as signals:
            while scheduler.left and (tasks or not signals):
                while not signals and (ready := scheduler.ready()):
                    task, nodes = self._submit(ready[0], scheduler, plan, len(tasks))
                    tasks[task] = nodes
                for _ in signals[told:]:
                    for task in tasks:
                        ray.cancel(task, force=told > 0)
                    told += 1
                ended, _ = ray.wait(list(tasks), timeout=_SECONDS)
                self._pass_on(scheduler)
                for task in ended:
                    nodes, outcome = tasks.pop(task), self._outcome(task)
                    if isinstance(outcome, Failure) and len(nodes) > 1:
                        scheduler.give_back(nodes)
                    elif outcome is not None or not signals:
                        outcome = outcome or Failure("Cancelled", "The task was cancelled.", "the same command")
                        outcomes = [outcome] * len(nodes) if isinstance(outcome, Failure) else outcome
                        for node, one in zip(nodes, outcomes):
                            scheduler.end(node, one)
        if signals:
            raise Interrupted(signals[0])

    def _submit(self, node: Node, scheduler: Scheduler, plan: Plan, busy: int) -> tuple[Any, list[Node]]:
        """Gives a node to Ray, with the edits that share its passes; ``busy`` counts the tasks that it has already."""
        job = node.job
        device = job.compute.get("device", job.config.model.device)
        options = self._options(job.stage, plan.resources.get(job.stage, Resources()), {device})
        nodes = scheduler.take(node, max(1, self._places(options) - busy))
        keys, jobs = [one.key for one in nodes], [one.job for one in nodes]
        task = self._task(run_jobs, options)
        return task.remote(self._board, keys, jobs, scheduler.parent_run(node)), nodes

    def _places(self, options: dict[str, Any]) -> int:
        """How many tasks with these needs the cluster can do at a time."""
        needs = {key: options[name] for name, key in _NEEDS.items() if options.get(name)}
        room = [min((node.get(key, 0) // need for key, need in needs.items()), default=1) for node in self._nodes]
        return int(sum(room))

    def _task(self, function: Any, options: dict[str, Any]) -> Any:
        return self._ray.remote(function).options(max_retries=_RETRIES, **options)

    def _options(self, stage: str, wanted: Resources, devices: set[str]) -> dict[str, Any]:
        """What Ray is told of the resources that a stage wants. Raises UsageError if no node has them."""
        gpus = wanted.gpus
        if gpus is None:
            there = any(node.get("GPU", 0) >= 1 for node in self._nodes)
            gpus = 1 if "cuda" in devices or ("auto" in devices and there) else 0
        amounts = {"CPU": wanted.cpus, "GPU": gpus, "memory": wanted.memory or 0}
        if not any(all(node.get(key, 0) >= amount for key, amount in amounts.items()) for node in self._nodes):
            told = ", ".join(f"{amount:g} {key}" for key, amount in amounts.items() if amount)
            raise UsageError(f"No node of the cluster has what {stage} needs: {told}.", "lower it under resources:")
        options = {"num_cpus": wanted.cpus, "num_gpus": gpus}
        return options | ({"memory": wanted.memory} if wanted.memory else {})

    def _pass_on(self, scheduler: Scheduler) -> None:
        """News of the workers; none are no matter. What is slow to come is awaited by the next call."""
        self._news = self._news or self._board.take.remote()
        with suppress(self._ray.exceptions.RayError):
            come, _ = self._ray.wait([self._news], timeout=_SECONDS_TO_ANSWER)
            if not come:
                return
            taken, self._news = self._news, None
            for keys, *news in self._ray.get(taken):
                nodes = [scheduler.graph.nodes[key] for key in keys]
                if news:
                    scheduler.progress(nodes, *news)
                else:
                    scheduler.began(nodes)

    def _outcome(self, task: Any) -> list[StageResult | Failure] | Failure | None:
        """What the jobs of a task came to, or what the task itself did; None if it was cancelled."""
        errors = self._ray.exceptions
        try:
            outcomes: list[StageResult | Failure] = self._ray.get(task)
            return outcomes
        except errors.TaskCancelledError:
            return None
        except errors.RayTaskError as error:
            return Failure("RayTaskError", f"The worker could not do it: {_reason(error)}", _INSTALL)
        except errors.RayError as error:
            hint = "ask for more memory: under resources:, then the same command again"
            return Failure(type(error).__name__, f"Every worker that did this was lost: {_reason(error)}", hint)


def _reason(error: Exception) -> str:
    """The last line that says something."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]
