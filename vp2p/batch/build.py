"""From a plan to the graph of its stages: which run each is, and what is finished; loads no weights."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Callable, Hashable

from vp2p.batch.graph import Failure, Graph, Job, Node
from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.batch.plan.items import SEVERAL, Item
from vp2p.batch.plan.read import Plan
from vp2p.batch.pool import Pool
from vp2p.batch.workspaces import PlannedWorkspace, Workspaces
from vp2p.defaults import for_model
from vp2p.errors import ArtifactError
from vp2p.models.sources import BUNDLED
from vp2p.prompts.alternatives import single
from vp2p.stages.edit import KeepAs, plan_edit
from vp2p.stages.invert import plan_invert
from vp2p.stages.planned import Planned
from vp2p.stages.session import Session
from vp2p.stages.tune import plan_tune
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.names import cut_name


def build_graph(plan: Plan, diagnostics: Diagnostics) -> Graph:
    """Works out every stage of the plan's items.

    What only the model and the workspaces can tell is checked here: words, devices, videos that are
    gone. A model of the hub is fetched for that, but not for a plan that has mistakes already.

    Raises:
        PlanError: the plan has mistakes, these or those it was read with.
    """
    builder, workspaces = _Builder(), Workspaces(plan)
    wrong = bool(diagnostics)
    found: dict[int, PlannedWorkspace] = {}
    for item in sorted(plan.items, key=lambda item: not item.like_its_video):
        with diagnostics.at(item.video_line, once=True):
            found[id(item)] = workspaces.of(item)
    items = []
    for item in plan.items:
        workspace = found.get(id(item))
        if workspace is None or (wrong and not _local(workspace)):
            continue
        with diagnostics.at(item.video_line, once=True):
            last, inverted, session = builder.invert(item, workspace)
            if item.edit is not None:
                with diagnostics.at(item.line):
                    last = builder.edit(item, workspace, last, inverted, session)
            items.append((item, last))
    diagnostics.check()
    return Graph({**builder.nodes, **_verified(builder.nodes, {last for _, last in items})}, tuple(items))


def _local(workspace: PlannedWorkspace) -> bool:
    """Whether the model is there without fetching it."""
    model = workspace.config.model.model
    return model == BUNDLED or Path(model).exists()


def _verified(nodes: dict[str, Node], last: set[str]) -> dict[str, Node]:
    """The finished nodes at the end of items, their files checked; those before are checked where they are used."""
    checked = {}
    for key in last:
        node = nodes[key]
        if node.finished and node.planned:
            try:
                node.planned.run.verify()
            except ArtifactError as error:
                checked[key] = dataclasses.replace(node, finished=False, failure=_failure(error))
    return checked


def _failure(error: ArtifactError) -> Failure:
    return Failure(type(error).__name__, error.cause, error.hint, error.exit_code)


class _Snapshot(Workspace):
    """A workspace whose runs are listed once."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._runs: dict[str, list[RunFolder]] = {}

    def runs(self, stage: str) -> list[RunFolder]:
        if stage not in self._runs:
            self._runs[stage] = super().runs(stage)
        return self._runs[stage]


class _Builder:
    """The nodes found so far; what items share is worked out once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._pool = Pool()
        self._known: dict[Hashable, Any] = {}
        self._taken: dict[tuple[Path, str], str] = {}

    def invert(self, item: Item, workspace: PlannedWorkspace) -> tuple[str, Planned, Session]:
        """Adds the item's stages up to its inversion; returns that node's key, its run, and the session."""
        folder, compute = workspace.folder, workspace.compute(item)
        session = self._once(("session", folder, *compute.items()), lambda: self._session(workspace, compute))
        tune = for_model(session.folder, "tune", item.sections["tune"])
        invert = for_model(session.folder, "invert", item.sections["invert"])
        key = (folder, *compute.items(), tune)
        tuned = self._once(key, lambda: plan_tune(session, tune))
        inverted = self._once((*key, invert), lambda: plan_invert(session, invert, tuned))

        at = self._add(Job("init", folder, workspace.config), None, None, (folder / "vp2p.yaml").exists())
        at = self._add(Job("tune", folder, workspace.config, compute, tune), at, tuned)
        return self._add(Job("invert", folder, workspace.config, compute, invert), at, inverted), inverted, session

    def edit(self, item: Item, workspace: PlannedWorkspace, parent: str, inverted: Planned, session: Session) -> str:
        """Adds the item's edit, of which it must have one; returns its key."""
        assert item.edit is not None
        settings = single(for_model(session.folder, "edit", item.sections["edit"]), SEVERAL)
        edited = plan_edit(session, settings, inverted, KeepAs(format=item.format))
        name = edited.run.name
        if not edited.run.folder.exists():
            wish = item.edit if item.settings is None else cut_name(item.edit, f"-{item.settings}")
            name = self._free(workspace.folder, wish, edited.run.identity)
        run = session.workspace.run("edit", edited.run.identity, name)
        planned = Planned(edited.workspace, run, edited.recorded, edited.parents)
        job = Job("edit", workspace.folder, workspace.config, workspace.compute(item), settings, name, item.format)
        return self._add(job, parent, planned)

    def _session(self, workspace: PlannedWorkspace, compute: dict[str, Any]) -> Session:
        snapshot = _Snapshot(workspace.folder)
        if not (workspace.folder / "vp2p.yaml").exists():
            snapshot.config = workspace.config
        return self._pool.session(snapshot, compute)

    def _once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def _free(self, folder: Path, name: str, identity: str) -> str:
        """``name``, or with part of the identity where another edit has it."""
        if (folder / "edit" / name).exists() or self._taken.setdefault((folder, name.casefold()), identity) != identity:
            return cut_name(name, f"-{identity[:8]}")
        return name

    def _add(self, job: Job, parent: str | None, planned: Planned | None, there: bool = False) -> str:
        key = f"{job.folder.name}/{job.stage}"
        failure = None
        if planned is not None:
            key += f"/{planned.run.identity}"
            try:
                there = planned.run.finished
            except ArtifactError as error:
                failure = _failure(error)
        self.nodes.setdefault(key, Node(key, job, parent, planned, there, failure))
        return key
