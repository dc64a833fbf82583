"""What a plan comes to: each stage once, after those it is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from vp2p.batch.plan.items import Item
from vp2p.settings import EditSettings, InvertSettings, TuneSettings
from vp2p.stages.edited import Format
from vp2p.stages.planned import Outlook, Planned
from vp2p.workspace import WorkspaceConfig


@dataclass(frozen=True)
class Failure:
    """Why a stage failed: the kind of error, the cause, what to type next, and the exit code it has alone."""

    kind: str
    cause: str
    hint: str
    exit_code: int = 1


@dataclass(frozen=True)
class Job:
    """One stage of one workspace, as any process with the same files can do it.

    ``config`` is what ``init`` makes the workspace of, with absolute paths; ``compute`` are device
    and dtype where they are not the workspace's; ``settings`` are None for ``init``.
    """

    stage: str
    folder: Path
    config: WorkspaceConfig
    compute: Mapping[str, Any] = field(default_factory=dict)
    settings: TuneSettings | InvertSettings | EditSettings | None = None
    name: str | None = None
    format: Format = "mp4"

    def joins(self, other: Job) -> bool:
        """Whether both are edits that one process can make side by side, if they are of one inversion."""
        where = (self.folder, self.config, self.compute)
        return self.stage == other.stage == "edit" and where == (other.folder, other.config, other.compute)


@dataclass(frozen=True)
class Node:
    """A job in the graph. ``parent`` is the key of the node that it comes after.

    ``planned`` is its run (None for ``init``); ``finished`` whether that is there and whole, and
    ``failure`` what is wrong with it where it is damaged.
    """

    key: str
    job: Job
    parent: str | None
    planned: Planned | None = None
    finished: bool = False
    failure: Failure | None = None

    def outlook(self) -> Outlook:
        """What would be done, and why."""
        if self.planned is not None:
            return self.planned.outlook()
        if self.finished:
            return Outlook("up to date", "the workspace is there")
        return Outlook("run", "the workspace is not there yet")


@dataclass(frozen=True)
class Graph:
    """All nodes by key, parents first, and for each item the key of its last node."""

    nodes: Mapping[str, Node]
    items: tuple[tuple[Item, str], ...]

    def chain(self, key: str) -> list[Node]:
        """The nodes from the workspace to ``key``."""
        node = self.nodes[key]
        return [*(self.chain(node.parent) if node.parent else []), node]

    def needed(self) -> dict[str, Node]:
        """The nodes that are to be done: what is finished does not need what it was made from."""
        wanted: set[str] = set()
        for _, last in self.items:
            for node in reversed(self.chain(last)):
                if node.finished or node.failure:
                    break
                wanted.add(node.key)
        return {key: node for key, node in self.nodes.items() if key in wanted}
