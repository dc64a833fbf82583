"""What the commands print: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import math
import os
import re
import time
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.tree import Tree

from vp2p import printing
from vp2p.errors import UsageError, Vp2pError
from vp2p.printing import Piece
from vp2p.progress import SECONDS_VARIABLE
from vp2p.stages.dry_run import StageOutlook
from vp2p.stages.result import StageResult
from vp2p.text import one_line, shorten, typed, visible

ENVELOPE = 1
_OF_A_WORKSPACE = (
    *("tune", "attention", "mask", "invert", "edit", "full", "show", "report", "eval", "status"),
    *("config", "log", "diff", "tag", "gc", "verify", "export"),
)
_SECONDS_BETWEEN_LINES = 10.0  # unless SECONDS_VARIABLE says otherwise


@dataclass
class Output:
    """How this process prints. ``json`` puts one envelope on stdout, ``quiet`` leaves out all but results.

    ``workspace`` is the folder that ``-w`` named: the commands that are suggested name it too.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    workspace: Path | None = None

    @property
    def console(self) -> Console:
        """Messages to people."""
        return printing.people(self.quiet)

    def say(self, *pieces: Piece) -> None:
        """A line on stderr."""
        printing.say(*pieces, console=self.console)

    def note(self, note: str) -> None:
        """What the user should know, on stderr."""
        self.say(("note:", "yellow"), f" {note}")

    def command(self, text: str) -> str:
        """Commands in a hint as they can be typed where this one was."""
        if self.workspace is None:
            return text
        named = f"vp2p -w {typed(str(self.workspace))} "
        return re.sub(rf"\bvp2p (?=(?:{'|'.join(_OF_A_WORKSPACE)})\b)", lambda _: named, text)

    def show(self, what: Tree | Table) -> None:
        """What a command was asked to show, on stdout: as wide as the terminal, and elsewhere as wide as it is."""
        if not self.json:
            printing.show(what)

    def lines(self, lines: Iterable[str]) -> None:
        """What a command was asked to show, on stdout, as plain lines for other programs."""
        if not self.json:
            for line in lines:
                printing.line(line)

    def result(self, command: str, value: Any, answer: Path | str | None = None) -> None:
        """The one thing a command prints on stdout: an envelope, or the artifact's path or the value asked for."""
        if self.json:
            printing.line(json.dumps({"vp2p": ENVELOPE, "command": command, "ok": True, "result": plain(value)}))
        elif isinstance(answer, Path):
            printing.place(Path(shown(answer)))
        elif answer is not None:
            printing.line(answer)

    def stage(self, result: StageResult) -> None:
        """A finished run: a summary on stderr, its artifact on stdout."""
        mark = ("=", "dim") if result.state == "up to date" else ("✓", "green")
        self.say(mark, " ", (result.stage, "bold"), f" {result.run}: {result.state}")
        for name, value in result.facts.items():
            told = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            told = shown(Path(value)) if name == "sheet" else told
            self.say("  ", (name, "dim"), f" {one_line(told)}")
        for note in result.notes:
            self.note(note)
        if result.next:
            self.say(("next:", "dim"), " " + self.command("   ".join(result.next)))
        self.result(result.stage, result, result.artifact)

    def outlooks(self, command: str, found: Sequence[StageOutlook], notes: Sequence[str] = ()) -> None:
        """What a command would do, on stdout: one line a run."""
        for note in notes:
            self.note(note)
        self.lines(f"{one.stage} {one.run}: {one.state} ({one.why})" for one in found)
        self.result(command, {"dry_run": True, "stages": found})

    def error(self, error: Vp2pError) -> None:
        """A cause, and the next command to type."""
        hint = self.command(error.hint)
        printing.say(("error:", "red"), f" {one_line(error.cause)}")
        printing.say(("hint:", "cyan"), f" {visible(hint)}")
        self.failure(type(error).__name__, error.cause, hint, error.exit_code)

    def interrupted(self, code: int) -> None:
        """A signal came; ``code`` is the exit code that says which."""
        again = "the same command takes it up again"
        self.say(("interrupted;", "yellow"), f" {again}")
        self.failure("Interrupted", "interrupted", again, code)

    def failure(self, kind: str, cause: str, hint: str, code: int) -> None:
        """The envelope of a command that fails, where one is asked for."""
        if self.json:
            told = {"kind": kind, "cause": cause, "hint": hint, "exit": code}
            printing.line(json.dumps({"vp2p": ENVELOPE, "ok": False, "error": told}))

    def progress(self) -> StageProgress:
        """A bar on a terminal; elsewhere a plain line every so often."""
        return StageProgress(self.console)


class StageProgress:
    """A :class:`vp2p.stages.result.Progress`, to be used in a ``with`` block."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:<12}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}", markup=False),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metric]}", style="dim", markup=False),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._started: dict[str, tuple[float, int]] = {}
        self._between_lines = _seconds_between_lines()
        self._last_line = time.monotonic()

    def __enter__(self) -> StageProgress:
        if self._console.is_terminal and not self._console.quiet:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars.live.is_started:  # or it would print an empty line
            self._bars.stop()

    def __call__(self, what: str, done: int, total: int, metric: str = "") -> None:
        now = time.monotonic()
        since, first = self._started.setdefault(what, (now, done))
        rate = f"{(done - first) / (now - since):.1f}/s" if done > first and now > since else ""
        if self._console.is_terminal:
            if what not in self._tasks:
                told = printing.text(what, stream=self._console.file).plain
                self._tasks[what] = self._bars.add_task(told, total=total, rate="", metric="")
            self._bars.update(self._tasks[what], completed=done, rate=rate, metric=metric)
        elif now - self._last_line >= self._between_lines:
            self._last_line = now
            told = " ".join(part for part in (what, f"{done}/{total}", rate, metric) if part)
            printing.say(told, console=self._console)


def _seconds_between_lines() -> float:
    text = os.environ.get(SECONDS_VARIABLE, "")
    try:
        seconds = float(text or _SECONDS_BETWEEN_LINES)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UsageError(
            f"{SECONDS_VARIABLE} is {shorten(text)}, but must be a number of seconds.",
            f"correct or unset the environment variable {SECONDS_VARIABLE}",
        )
    return seconds


def shown(path: Path) -> str:
    """A path as people read it: from the current folder where that is shorter."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def plain(value: Any) -> Any:
    """A result as values that JSON can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(item) for key, item in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


output = Output()
