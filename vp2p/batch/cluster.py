"""The jobs of a plan as tasks of a Ray cluster; workspaces lie on storage that its nodes share."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, Iterator

from vp2p.batch import remote
from vp2p.batch.course import Course
from vp2p.batch.graph import Failure, Graph, Node
from vp2p.batch.mistakes import Mistakes
from vp2p.batch.needs import Needs
from vp2p.batch.plan import STAGES, Plan
from vp2p.batch.signals import noted
from vp2p.errors import UsageError, Vp2pError
from vp2p.stages.result import StageResult
from vp2p.stages.saving import Interrupted

_RETRIES = 5
_SECONDS = 0.5
_SECONDS_TO_ANSWER = 10
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
        self._board = ray.remote(remote.Board).options(num_cpus=0, scheduling_strategy=here).remote()
        self._news: Any = None  # on their way from the board

    def survey(self, plan: Plan, mistakes: Mistakes) -> Graph:
        """:func:`vp2p.batch.survey.survey` by a worker, which sees the device that the stages will see.

        Raises:
            PlanError: the plan has mistakes.
            UsageError: no node has what a stage needs.
        """
        devices = {item.sections["model"].get("device", "auto") for item in plan.items}
        options = [self._options(stage, plan.needs.get(stage, Needs()), devices) for stage in STAGES]
        try:
            found = self._ray.get(self._task(remote.survey_plan, options[0]).remote(plan, mistakes))
        except self._ray.exceptions.RayError as error:
            raise Vp2pError(f"A worker could not read the plan: {_reason(error)}", _INSTALL) from error
        if isinstance(found, Mistakes):
            found.check()
        return found

    def run(self, course: Course, plan: Plan) -> None:
        """Does what is left of ``course``. A job whose worker is lost goes to another, up to five times.

        Raises:
            Interrupted: a signal came; the workers have saved their checkpoints.
        """
        ray, tasks, told = self._ray, {}, 0
        with noted() as signals:
            while course.left and (tasks or not signals):
                for node in [] if signals else course.ready():
                    tasks[self._submit(node, course, plan)] = node
                for _ in signals[told:]:
                    for task in tasks:
                        ray.cancel(task, force=told > 0)
                    told += 1
                ended, _ = ray.wait(list(tasks), timeout=_SECONDS)
                self._pass_on(course)
                for task in ended:
                    node, outcome = tasks.pop(task), self._outcome(task)
                    if outcome is not None or not signals:
                        course.end(node, outcome or Failure("Cancelled", "The task was cancelled.", "the same command"))
        if signals:
            raise Interrupted(signals[0])

    def _submit(self, node: Node, course: Course, plan: Plan) -> Any:
        job = node.job
        device = job.compute.get("device", job.config.model.device)
        options = self._options(job.stage, plan.needs.get(job.stage, Needs()), {device})
        course.take(node)
        task = self._task(remote.run_job, options)
        return task.remote(self._board, node.key, job, course.parent_run(node))

    def _task(self, function: Any, options: dict[str, Any]) -> Any:
        return self._ray.remote(function).options(max_retries=_RETRIES, **options)

    def _options(self, stage: str, needs: Needs, devices: set[str]) -> dict[str, Any]:
        """What Ray is told of a stage's needs. Raises UsageError if no node has them."""
        gpus = needs.gpus
        if gpus is None:
            there = any(node.get("GPU", 0) >= 1 for node in self._nodes)
            gpus = 1 if "cuda" in devices or ("auto" in devices and there) else 0
        wanted = {"CPU": needs.cpus, "GPU": gpus, "memory": needs.memory or 0}
        if not any(all(node.get(key, 0) >= amount for key, amount in wanted.items()) for node in self._nodes):
            told = ", ".join(f"{amount:g} {key}" for key, amount in wanted.items() if amount)
            raise UsageError(f"No node of the cluster has what {stage} needs: {told}.", "lower it under resources:")
        options = {"num_cpus": needs.cpus, "num_gpus": gpus}
        return options | ({"memory": needs.memory} if needs.memory else {})

    def _pass_on(self, course: Course) -> None:
        """News of the workers; none are no matter. What is slow to come is awaited by the next call."""
        self._news = self._news or self._board.take.remote()
        with suppress(self._ray.exceptions.RayError):
            come, _ = self._ray.wait([self._news], timeout=_SECONDS_TO_ANSWER)
            if not come:
                return
            taken, self._news = self._news, None
            for key, *news in self._ray.get(taken):
                node = course.graph.nodes[key]
                if news:
                    course.progress(node, *news)
                else:
                    course.began(node)

    def _outcome(self, task: Any) -> StageResult | Failure | None:
        """What a task came to; None if it was cancelled."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(task)
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
