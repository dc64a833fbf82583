"""A running batch on the terminal: a table that lives, or plain lines; and a line for each result."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.live import Live
from rich.table import Table

from vp2p.batch.graph import Failure, Graph, Node
from vp2p.batch.plan.items import Item
from vp2p.batch.scheduler import ItemResult
from vp2p.cli.output import ENVELOPE, Output, plain, shown
from vp2p.printing import Piece, line, place, text
from vp2p.stages.result import StageResult
from vp2p.text import one_line, visible

_SECONDS_BETWEEN_LINES = 10.0
_MARKS = {"failed": ("✗", "red"), "up to date": ("=", "dim")}
# Rows of a terminal that the table leaves to its head, its foot and the prompt.
_AROUND = 7


class BatchView:
    """A :class:`vp2p.batch.scheduler.Watcher`, to be used in a ``with`` block.

    Each ended item is one line on ``stdout``: an envelope, or the path of its result. Where that is
    the terminal of the table, the paths follow at the end.
    """

    def __init__(self, output: Output, graph: Graph, stdout: TextIO) -> None:
        self._output = output
        self._stdout = stdout
        self._console = output.console
        self._rows = {id(item): (item, "", "waiting") for item, _ in graph.items}
        self._through: dict[str, list[Item]] = {}
        for item, last in graph.items:
            for node in graph.chain(last):
                self._through.setdefault(node.key, []).append(item)
        self.results: list[ItemResult] = []
        self._live = Live(
            console=self._console, get_renderable=self._table, refresh_per_second=4, redirect_stdout=False
        )
        self._lives = self._console.is_terminal and not output.quiet
        self._last_line = time.monotonic()

    def __enter__(self) -> BatchView:
        if self._lives:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._lives:
            self._live.stop()
        if self._holds:
            for result in self.results:
                self._print(result)

    def began(self, node: Node, again: bool) -> None:
        self._set(node, f"{node.job.stage} again" if again else node.job.stage, "running")
        if again and not self._lives:
            self._output.say(*_name(node), " again, on another worker")

    def progress(self, node: Node, what: str, done: int, total: int, metric: str) -> None:
        self._set(node, f"{what} {done}/{total}", "running")
        if not self._lives and time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            self._output.say(*_name(node), f" {done}/{total}", f" {metric}" if metric else "")

    def ended(self, node: Node, outcome: StageResult | Failure) -> None:
        self._set(node, "", "failed" if isinstance(outcome, Failure) else "waiting")
        if not self._lives and node.job.stage != "edit":
            told = f"failed: {outcome.cause}" if isinstance(outcome, Failure) else outcome.state
            self._output.say(*_name(node), f" {one_line(told)}")

    def item(self, item: Item, result: ItemResult) -> None:
        self.results.append(result)
        where = f"{result.stage} failed" if result.failure else ""
        self._rows[id(item)] = (item, where, result.state)
        if not self._lives:
            mark = _MARKS.get(result.state, ("✓", "green"))
            self._output.say(mark, f" {_title(item)}: {where or result.state}")
            for note in result.notes:
                self._output.note(note)
        if not self._holds:
            self._print(result)

    def summary(self, again: str) -> None:
        """How many items came to what, each failure once, and what to type ``again``."""
        counts = Counter(result.state for result in self.results)
        order = ("done", "resumed", "up to date", "failed")
        told = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
        self._output.say((f"{len(self.results)} results:", "bold"), f" {told}")
        failures: dict[tuple[Path, str, Failure], int] = Counter(
            (result.workspace, result.stage, result.failure) for result in self.results if result.failure
        )
        for (folder, stage, failure), count in failures.items():
            results = "1 result" if count == 1 else f"{count} results"
            self._output.say(("✗", "red"), f" {shown(folder)}: {stage} failed, and {results} with it")
            self._output.say(f"  {one_line(failure.cause)}")
            self._output.say("  ", ("hint:", "cyan"), f" {visible(failure.hint)}")
        if failures:
            self._output.say(("again:", "dim"), f" {again}   (does only what is left)")

    @property
    def _holds(self) -> bool:
        return self._lives and self._stdout.isatty() and not self._output.json

    def _set(self, node: Node, what: str, state: str) -> None:
        for item in self._through.get(node.key, ()):
            self._rows[id(item)] = (item, what, state)

    def _print(self, result: ItemResult) -> None:
        if self._output.json:
            line(json.dumps(_envelope(result)), self._stdout)
        elif result.artifact is not None:
            place(Path(shown(result.artifact)), self._stdout)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for column in ("video", "settings", "edit", "stage", "state"):
            table.add_column(column, overflow="ellipsis", no_wrap=True)
        rows = list(self._rows.values())
        first = {"running": 0, "failed": 1, "waiting": 2}
        room = max(3, self._console.size.height - _AROUND)
        if len(rows) > room:
            rows.sort(key=lambda row: first.get(row[2], 3))
        for item, what, state in rows[:room]:
            style = {"failed": "red", "running": "bold", "waiting": "dim"}.get(state, "green")
            names = (item.video, item.settings or "", item.edit or "")
            table.add_row(*map(text, names), text(what), text((state, style)))
        counts = Counter(state for _, _, state in self._rows.values())
        table.caption = ", ".join(f"{count} {state}" for state, count in counts.items())
        return table


def _name(node: Node) -> tuple[Piece, ...]:
    return (node.job.folder.name, "dim"), f" {node.job.stage}"


def _title(item: Item) -> str:
    return " · ".join(filter(None, (item.video, item.settings, item.edit)))


def _envelope(result: ItemResult) -> dict[str, object]:
    told = plain(result)
    failure = told.pop("failure")
    envelope = {"vp2p": ENVELOPE, "command": "batch", "ok": failure is None, "result": told}
    if failure:
        error = {"kind": failure["kind"], "cause": failure["cause"], "hint": failure["hint"]}
        envelope["error"] = error | {"exit": failure["exit_code"]}
    return envelope
