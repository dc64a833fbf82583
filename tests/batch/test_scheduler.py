"""The order of jobs: what is ready, and what a failure takes with it."""

from __future__ import annotations

from pathlib import Path

from vp2p.batch.graph import Failure, Graph, Job, Node
from vp2p.batch.plan.items import Item
from vp2p.batch.scheduler import ItemResult, Scheduler
from vp2p.stages.result import StageResult
from vp2p.workspace import WorkspaceConfig

FAILURE = Failure("VideoError", "It cannot be read.", "give another")


class Seen:
    """A Watcher that keeps how the items end."""

    def __init__(self) -> None:
        self.items: dict[str | None, str] = {}
        self.again: list[bool] = []

    def began(self, node: Node, again: bool) -> None:
        self.again.append(again)

    def progress(self, node: Node, what: str, done: int, total: int, metric: str) -> None: ...

    def ended(self, node: Node, outcome: StageResult | Failure) -> None: ...

    def item(self, item: Item, result: ItemResult) -> None:
        self.items[item.edit] = f"{result.stage} {result.state}"


def graph(**damaged: Failure) -> Graph:
    """Two tune runs of one workspace, and two edits of each."""
    config = WorkspaceConfig("a cat", "cat.mp4")
    parents = {"init": None, "a": "init", "b": "init", "a1": "a", "a2": "a", "b1": "b", "b2": "b"}
    stages = {"init": "init", "a": "tune", "b": "tune"}
    nodes = {
        key: Node(key, Job(stages.get(key, "edit"), Path("w"), config), parent, failure=damaged.get(key))
        for key, parent in parents.items()
    }
    items = [(Item(1, 1, "cat", None, key, Path("cat.mp4"), "a cat", {}, {}), key) for key in ("a1", "a2", "b1", "b2")]
    return Graph(nodes, tuple(items))


def ended(scheduler: Scheduler, key: str, failed: bool = False) -> list[str]:
    """Does a job that is ready; returns what is ready then."""
    node = next(node for node in scheduler.ready() if node.key == key)
    assert scheduler.take(node, free=9) == [node]
    scheduler.began([node])
    assert node not in scheduler.ready()
    scheduler.end(node, FAILURE if failed else StageResult(node.job.stage, f"run-{key}", "done", Path("x")))
    return [node.key for node in scheduler.ready()]


def test_jobs_are_ready_after_their_parents_in_the_plans_order() -> None:
    seen = Seen()
    scheduler = Scheduler(graph(), seen)
    scheduler.start()
    assert [node.key for node in scheduler.ready()] == ["init"] and scheduler.left
    assert ended(scheduler, "init") == ["a", "b"]
    assert ended(scheduler, "b") == ["a", "b1", "b2"]
    assert scheduler.parent_run(scheduler.graph.nodes["b1"]) == "run-b"
    assert ended(scheduler, "a") == ["a1", "a2", "b1", "b2"]
    for key in ("a2", "b1", "a1", "b2"):
        ended(scheduler, key)
    assert not scheduler.left and set(seen.items.values()) == {"edit done"} and len(seen.items) == 4


def test_a_failure_takes_only_what_was_to_be_made_from_it() -> None:
    seen = Seen()
    scheduler = Scheduler(graph(), seen)
    ended(scheduler, "init")
    assert ended(scheduler, "a", failed=True) == ["b"]
    assert seen.items == {"a1": "tune failed", "a2": "tune failed"}
    assert ended(scheduler, "b") == ["b1", "b2"]
    ended(scheduler, "b1")
    ended(scheduler, "b2")
    assert not scheduler.left and seen.items["b1"] == "edit done"


def test_what_is_damaged_fails_at_the_start() -> None:
    seen = Seen()
    scheduler = Scheduler(graph(a=FAILURE), seen)
    scheduler.start()
    assert seen.items == {"a1": "tune failed", "a2": "tune failed"}
    assert [node.key for node in scheduler.ready()] == ["init"]
    assert ended(scheduler, "init") == ["b"]


def test_a_lost_worker_begins_again() -> None:
    seen = Seen()
    scheduler = Scheduler(graph(), seen)
    (node,) = scheduler.ready()
    scheduler.take(node)
    scheduler.began([node])
    scheduler.began([node])
    assert seen.again == [False, True]


def inverted() -> Scheduler:
    """All of the graph's tunings are done, so that its four edits are ready."""
    scheduler = Scheduler(graph(), Seen())
    for key in ("init", "a", "b"):
        ended(scheduler, key)
    return scheduler


def test_edits_of_one_parent_are_taken_together() -> None:
    scheduler = inverted()
    first, *_ = scheduler.ready()
    assert [node.key for node in scheduler.take(first)] == ["a1", "a2"]
    assert [node.key for node in scheduler.ready()] == ["b1", "b2"]


def test_no_process_is_left_without_work() -> None:
    scheduler = inverted()
    assert [node.key for node in scheduler.take(scheduler.ready()[0], free=4)] == ["a1"]
    assert [node.key for node in scheduler.take(scheduler.ready()[0], free=3)] == ["a2"]
    assert [node.key for node in scheduler.take(scheduler.ready()[0], free=1)] == ["b1", "b2"]


def test_edits_that_lost_their_process_are_made_alone() -> None:
    scheduler = inverted()
    lost = scheduler.take(scheduler.ready()[0])
    scheduler.give_back(lost)
    assert {node.key for node in scheduler.ready()} == {"a1", "a2", "b1", "b2"}
    for node in lost:
        assert scheduler.take(node) == [node]
        scheduler.end(node, FAILURE)
    assert [node.key for node in scheduler.take(scheduler.ready()[0])] == ["b1", "b2"]


def test_edits_for_other_devices_are_not_taken_together() -> None:
    one, same, other = (Job("edit", Path("w"), WorkspaceConfig("a cat", "cat.mp4"), {"device": d}) for d in "aab")
    assert one.joins(same) and not one.joins(other)
