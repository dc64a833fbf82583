"""The order of the work: which jobs are ready, which have ended, and what that means for the items."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Mapping, Protocol, Sequence

from vp2p.batch.graph import Failure, Graph, Node
from vp2p.batch.plan.items import Item
from vp2p.stages.edited import video_name
from vp2p.stages.result import StageResult

MOST_JOINED = 4  # as many edits share a pass of the model; of more, a lost process would lose more


@dataclass(frozen=True)
class ItemResult:
    """One item, ended.

    ``state`` is ``done``, ``resumed``, ``up to date`` or ``failed``; ``stage`` the stage that ended it
    and ``run`` that stage's run; ``failure`` is there where it failed.
    """

    video: str
    settings: str | None
    edit: str | None
    state: str
    stage: str
    workspace: Path
    run: str | None = None
    artifact: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


class Watcher(Protocol):
    """Is told what happens, as it happens."""

    def began(self, node: Node, again: bool) -> None: ...

    def progress(self, node: Node, what: str, done: int, total: int, metric: str) -> None: ...

    def ended(self, node: Node, outcome: StageResult | Failure) -> None: ...

    def item(self, item: Item, result: ItemResult) -> None: ...


class Scheduler:
    """Keeps the state of every node that is to be done. One thread uses it."""

    def __init__(self, graph: Graph, watcher: Watcher) -> None:
        self.graph = graph
        self._watcher = watcher
        self._waiting = graph.needed()
        parents = {key: [node.parent] if node.parent in self._waiting else [] for key, node in self._waiting.items()}
        self._sorter: TopologicalSorter[str] = TopologicalSorter(parents)
        self._sorter.prepare()
        self._ready: set[str] = set()
        self._running: dict[str, Node] = {}
        self._begun: set[str] = set()
        self._alone: set[str] = set()
        self._outcomes: dict[str, StageResult | Failure] = {}
        self._ends: dict[str, list[Item]] = {}
        for item, last in graph.items:
            self._ends.setdefault(last, []).append(item)

    def start(self) -> None:
        """Ends the items that need nothing done, and those of which something is damaged."""
        for node in self.graph.nodes.values():
            if node.failure:
                self._end_items(node.key, node, node.failure)
                self._fail_after(node.key, node, node.failure)
            elif node.finished:
                self._end_items(node.key, node, None)

    @property
    def left(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._waiting or self._running)

    def ready(self) -> list[Node]:
        """The nodes whose parent is finished, in the plan's order."""
        self._ready.update(self._sorter.get_ready())
        return [node for key, node in self._waiting.items() if key in self._ready]

    def parent_run(self, node: Node) -> str | None:
        """The name of the run that a node is made from."""
        if node.parent is None:
            return None
        made = self._outcomes.get(node.parent)
        if isinstance(made, StageResult):
            return made.run
        planned = self.graph.nodes[node.parent].planned
        return planned.run.name if planned else None

    def take(self, node: Node, free: int = 1) -> list[Node]:
        """A node is not ready any more: it will be given to a process, with the edits that share its passes.

        Args:
            free: how many processes have nothing to do; each shall have some of what is ready.
        """
        ready = self.ready()
        share = 1 if node.key in self._alone else min(MOST_JOINED, math.ceil(len(ready) / free))
        others = [other for other in ready if other is not node and other.key not in self._alone]
        alike = [other for other in others if other.parent == node.parent and other.job.joins(node.job)]
        taken = [node, *alike][:share]
        for one in taken:
            self._running[one.key] = self._waiting.pop(one.key)
        return taken

    def give_back(self, nodes: Sequence[Node]) -> None:
        """The process of several edits was lost, and one of them may have been too much: each is to be made alone."""
        for node in nodes:
            self._waiting[node.key] = self._running.pop(node.key)
            self._alone.add(node.key)

    def began(self, nodes: Sequence[Node]) -> None:
        """A process works at nodes that were taken; another one, if the first was lost."""
        for node in nodes:
            self._watcher.began(node, node.key in self._begun)
            self._begun.add(node.key)

    def progress(self, nodes: Sequence[Node], what: str, done: int, total: int, metric: str) -> None:
        for node in nodes:
            self._watcher.progress(node, what, done, total, metric)

    def end(self, node: Node, outcome: StageResult | Failure) -> None:
        """A node has ended. Where it failed, all that was to be made from it has failed, too."""
        del self._running[node.key]
        self._outcomes[node.key] = outcome
        self._watcher.ended(node, outcome)
        self._end_items(node.key, node, outcome)
        if isinstance(outcome, Failure):
            self._fail_after(node.key, node, outcome)
        else:
            self._sorter.done(node.key)

    def _fail_after(self, key: str, failed: Node, failure: Failure) -> None:
        for child in [node.key for node in self._waiting.values() if node.parent == key]:
            del self._waiting[child]
            self._end_items(child, failed, failure)
            self._fail_after(child, failed, failure)

    def _end_items(self, key: str, node: Node, outcome: StageResult | Failure | None) -> None:
        for item in self._ends.get(key, []):
            self._watcher.item(item, _result(item, node, outcome))


def _result(item: Item, node: Node, outcome: StageResult | Failure | None) -> ItemResult:
    """What an item came to at ``node``; an outcome of None is a run that was finished before."""
    names = (item.video, item.settings, item.edit)
    stage, folder = node.job.stage, node.job.folder
    if isinstance(outcome, Failure):
        return ItemResult(*names, "failed", stage, folder, failure=outcome)
    if outcome is None:
        assert node.planned is not None  # an item ends with a run
        run = node.planned.run
        artifact = run.path(video_name(node.job.format))
        artifact = artifact if stage == "edit" else run.path("reconstruction.mp4")
        return ItemResult(*names, "up to date", stage, folder, run.name, artifact)
    return ItemResult(*names, outcome.state, stage, folder, outcome.run, outcome.artifact, outcome.facts, outcome.notes)
