"""Every command broken off in every way, and whether the same command then ends as if nothing had been."""

from __future__ import annotations

import errno
import random
import shutil
import signal
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Callable, Iterator

from tests.crash.breaks import Break, fail_at, kill_at, power_cut_at, signal_at, with_memory, write_down
from tests.crash.commands import COMMANDS, WORK, Command, contents, damage, differences, holds
from tests.crash.trials import Ended, Stop, run

NAMING = f"{WORK}/.edit.lock"
Codes = tuple[int, ...]

KILLED = -signal.SIGKILL
# Libraries that get no memory may abort the process, which is no worse than a kill.
ABORTED = (-signal.SIGABRT, -signal.SIGSEGV, 127)
MEGABYTES = (6, 8, 12, 32, 128)
SIGNALS = (signal.SIGINT, signal.SIGTERM)
FAULTS = (errno.ENOSPC, errno.EIO, errno.EACCES)


@dataclass(frozen=True)
class Unbroken:
    """One command as it ends by itself: the folder before it, the contents of the folder after it."""

    name: str
    command: Command
    before: Path
    begun: dict[str, str]
    ended: dict[str, str]
    points: tuple[str, ...]
    seconds: float


@dataclass
class Figures:
    """How often one command was broken off in one way, and each time that it did not end well."""

    command: str
    points: int
    way: str
    trials: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, float] = (0.0, 0.0)


def unbroken(scratch: Path, clip: Path, names: list[str]) -> Iterator[Unbroken]:
    """Each command once, from start to end; the folders that they need are made in ``scratch``."""
    at = {"": scratch / "clip"}
    at[""].mkdir()
    shutil.copy(clip, at[""] / "cat.mp4")
    for name, command in COMMANDS.items():
        at[name] = scratch / name.replace(" ", "")
        shutil.copytree(at[command.after], at[name], symlinks=True)
        file = scratch / "points"
        ended = run(at[name], command.words, write_down(file))
        assert ended.code == 0, ended.err
        if name in names:
            points = tuple(file.read_text().splitlines())
            before = at[command.after]
            yield Unbroken(name, command, before, contents(before), contents(at[name]), points, ended.seconds)


class Trials:
    """Trials of one command in a folder of their own, which is made anew for each."""

    def __init__(self, one: Unbroken, scratch: Path) -> None:
        self._one = one
        self._root = scratch / "trial" / "root"

    def each(self, way: str, breaks: Iterator[tuple[str, Codes, Break | None, Stop | None]]) -> Figures:
        """Tries each break: its name, the exit codes it may lead to, and the break."""
        figures = Figures(self._one.name, len(self._one.points), way)
        for name, codes, broken, stop in breaks:
            shutil.rmtree(self._root.parent, ignore_errors=True)
            self._root.parent.mkdir(parents=True)
            shutil.copytree(self._one.before, self._root)
            ended = run(self._root, self._one.command.words, broken, stop)
            wrong = [*self._after(ended, codes), *self._again()]
            figures.trials += 1
            figures.failures += [f"{self._one.name}, {way}, {name}: {one}" for one in wrong]
            figures.slowest = max(figures.slowest, ended.stopping)
        return figures

    def _after(self, ended: Ended, codes: Codes) -> Iterator[str]:
        """What is wrong just after the break."""
        # Libraries may have their own words on memory before the sentence.
        unclean = "Traceback" in ended.err and "error: There is not enough memory" not in ended.err
        if unclean or ended.code not in codes:
            yield f"ended with {ended.code}: {ended.err[-2000:]}"
        if ended.code == 1 and not ("error: " in ended.err and "hint: " in ended.err):
            yield f"said {ended.err!r}"
        yield from damage(self._root)
        found = contents(self._root)
        forced = "--force" in self._one.command.words
        for name, content in self._one.begun.items():
            if found.get(name) != content and not (forced and name.startswith(f"walk/{self._one.command.stage}/")):
                yield f"harmed {name}"
        if forced and not holds(self._root, self._one.command.stage, (self._one.begun, self._one.ended)):
            yield "neither the old run nor the new one is whole"

    def _again(self) -> Iterator[str]:
        """What is wrong after the same command."""
        ended = run(self._root, self._one.command.words)
        if ended.code != 0:
            yield f"the same command ended with {ended.code}: {ended.err[-2000:]}"
        # The lock under which an edit is named goes with the next edit, where the disk refused to remove it.
        yield from differences(
            {key: one for key, one in contents(self._root).items() if key != NAMING}, self._one.ended
        )


@dataclass(frozen=True)
class _Sort:
    """A way to break off at a write point, and the exit codes it may lead to."""

    way: str
    codes: Codes
    at: Callable[[int], Break]


_DEATHS = (
    _Sort("killed", (KILLED,), kill_at),
    *(
        _Sort(f"power cut, {share:.0%} of unsynced names kept", (KILLED,), partial(power_cut_at, survive=share))
        for share in (0.0, 1.0, 0.5)
    ),
)
_TROUBLES = (
    *(_Sort(f"failing with {errno.errorcode[code]}", (0, 1), partial(fail_at, code=code)) for code in FAULTS),
    *(_Sort(f"sent {signum.name}", (0, 128 + signum), partial(signal_at, signum=signum)) for signum in SIGNALS),
)


@dataclass(frozen=True)
class Share:
    """Which trials are made: all sorts at each write point, or one sort at every so manieth, the first one drawn."""

    thorough: bool = False
    every: int = 1
    seed: int = 0


def at_points(one: Unbroken, scratch: Path, share: Share) -> Iterator[Figures]:
    """Breaks at the command's write points: all sorts at each, or in turn one sort of death and, rarer, of trouble."""
    trials, draw = Trials(one, scratch), random.Random(f"{share.seed} {one.name}")
    for sorts, stride in ((_DEATHS, share.every), (_TROUBLES, share.every + 2)):
        first = draw.randrange(share.every)
        for place, sort in enumerate(sorts):
            points = list(enumerate(one.points, start=1))
            if not share.thorough:
                points = points[first + stride * place :: stride * len(sorts)]
            yield trials.each(sort.way, ((f"at {text}", sort.codes, sort.at(number), None) for number, text in points))


def at_random(one: Unbroken, scratch: Path, kills: int, signals: int, seed: int) -> Iterator[Figures]:
    """Kills and signals at instants spread over the command's CPU time."""
    trials, draw = Trials(one, scratch), random.Random(f"{seed} {one.name}")

    def instants(signum: int, code: int, count: int) -> Iterator[tuple[str, Codes, None, Stop]]:
        for _ in range(count):
            after = draw.uniform(0, one.seconds)
            yield f"after {after:.4f} s", (0, code, -signum), None, Stop(signum, after)

    yield trials.each("killed at random", instants(signal.SIGKILL, KILLED, kills))
    for signum in SIGNALS:
        yield trials.each(f"sent {signum.name} at random", instants(signum, 128 + signum, signals))


def short_of_memory(one: Unbroken, scratch: Path, share: Share) -> Figures:
    """The command with ever more memory, none of it enough at first."""
    first = random.Random(f"{share.seed} {one.name} memory").randrange(min(share.every, len(MEGABYTES)))
    sizes = MEGABYTES if share.thorough else MEGABYTES[first :: share.every]
    breaks = ((f"with {number} MB", (0, 1, *ABORTED), with_memory(number << 20), None) for number in sizes)
    return Trials(one, scratch).each("short of memory", breaks)
