"""``vp2p batch``."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from vp2p.cli.common import DryRun, Json
from vp2p.cli.completion import fixed, numbers, plans
from vp2p.cli.output import output, shown
from vp2p.errors import UsageError
from vp2p.limits import Limits
from vp2p.text import command_line

if TYPE_CHECKING:
    from vp2p.batch.graph import Graph
    from vp2p.batch.plan.read import Plan
    from vp2p.batch.processes.local import Local
    from vp2p.batch.ray.cluster import Cluster
    from vp2p.batch.scheduler import ItemResult

_SOME_FAILED = 3


def batch(
    plan: Annotated[Path, typer.Argument(help="The plan, a YAML file.", show_default=False, autocompletion=plans)],
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=1, help="How many processes run at a time.", autocompletion=numbers(Limits(1), 1)
        ),
    ] = 1,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Run on a Ray cluster: on this machine, or the one at HOST:PORT.",
            autocompletion=fixed("auto"),
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make many edits from one plan.

    A plan lists videos, settings and edits. The whole plan is checked before anything
    starts. A stage that several results need runs once. A failure stops only the
    results that depend on it. The same command again does what is left. With --json
    each result is an envelope on its own line.

    Examples:

      vp2p batch plan.yaml --dry-run

      vp2p batch plan.yaml --jobs 2

      vp2p batch plan.yaml --jobs 4 --json

      vp2p batch plan.yaml --ray auto

      vp2p batch plan.yaml --ray 10.0.0.5:6379
    """
    from vp2p.batch.plan.diagnostics import PlanError
    from vp2p.batch.plan.read import read_plan

    stdout = sys.stdout  # Ray prints to it as it likes
    if ray is not None and jobs != 1:
        raise UsageError("--jobs is for one machine, and --ray for a cluster.", "give only one of them")
    how = ["--ray", ray] if ray is not None else ["--jobs", str(jobs)] if jobs > 1 else []
    again = command_line(["vp2p", "batch", str(plan), *how])
    try:
        read, diagnostics = read_plan(plan)
        with _workers(ray, jobs) as workers:
            graph = workers.build_graph(read, diagnostics)
            results = [] if dry_run else _run(graph, read, workers, stdout, again)
    except PlanError as error:
        for found in error.diagnostics:
            output.error(UsageError(f"{error.path}:{found.line}: {found.cause}", found.hint))
        raise typer.Exit(error.exit_code) from error
    if dry_run:
        _tell(graph)
    if any(result.failure for result in results):
        raise typer.Exit(_SOME_FAILED)


def _workers(address: str | None, jobs: int) -> AbstractContextManager[Local | Cluster]:
    """Those who do the work: processes of this machine, or of a Ray cluster."""
    if address is None:
        from vp2p.batch.processes.local import Local

        return nullcontext(Local(jobs))
    from vp2p.batch.ray.cluster import connected

    return connected(address)


def _run(graph: Graph, plan: Plan, workers: Local | Cluster, stdout: TextIO, again: str) -> list[ItemResult]:
    """Does what the graph needs, and says how each item ends."""
    from vp2p.batch.scheduler import Scheduler
    from vp2p.cli.batch_view import BatchView

    with BatchView(output, graph, stdout) as view:
        scheduler = Scheduler(graph, view)
        scheduler.start()
        workers.run(scheduler, plan)
    view.summary(again)
    return view.results


def _tell(graph: Graph) -> None:
    """What would be done: a line for each stage; with --json an envelope for each item."""
    told: dict[str, dict[str, Any]] = {}
    for key, node in graph.nodes.items():
        outlook = node.failure and {"state": "failed", "why": node.failure.cause}
        run = node.planned.run.name if node.planned else None
        told[key] = {"stage": node.job.stage, "run": run, **(outlook or vars(node.outlook()))}
        where = " ".join(filter(None, (shown(node.job.folder), node.job.stage, run)))
        output.lines([f"{where}: {told[key]['state']} ({told[key]['why']})"])
    counts: Counter[str] = Counter()
    for item, last in graph.items:
        counts[told[last]["state"]] += 1
        names = {"video": item.video, "settings": item.settings, "edit": item.edit}
        stages = [told[node.key] for node in graph.chain(last)]
        output.result("batch", {"dry_run": True, **names, "stages": stages})
    summary = ", ".join(f"{n} {state}" for state, n in counts.items())
    output.say((f"{len(graph.items)} results:", "bold"), f" {summary}")
