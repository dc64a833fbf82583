"""Campaigns: lists of trials, of which all or a share are made, each in a copy of one folder, by some processes."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterable, Iterator, Sequence

from tests.crash.ground import Ground


@dataclass(frozen=True)
class Trial:
    """One thing to try: ``do`` gets a copy of the ground, and gives what went wrong, one sentence each."""

    name: str
    do: Callable[[Path], Iterable[str]]


Campaign = Callable[[Ground], Sequence[Trial]]


@dataclass
class Outcome:
    """What came of a campaign: how many trials there are, how many were made, in how long, and what went wrong."""

    campaign: str
    there: int = 0
    trials: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """A line of a table."""
        wrong = len(self.failures)
        return f"| {self.campaign} | {self.there:,} | {self.trials:,} | {wrong} | {self.seconds:.0f} s |"


def sample(trials: Sequence[Trial], most: int | None, seed: int) -> list[Trial]:
    """At most so many of the trials, drawn by the seed, in their order."""
    if most is None or most >= len(trials):
        return list(trials)
    return [trials[at] for at in sorted(random.Random(seed).sample(range(len(trials)), most))]


def drive(name: str, campaign: Campaign, ground: Ground, most: int | None = None, seed: int = 0, processes: int = 1):
    """Makes a campaign's trials; the same seed draws the same ones."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        found = campaign(ground)
        drawn = sample(found, most, seed)
        parts = [drawn[part::processes] for part in range(processes)]
        places = [Path(scratch) / str(part) for part in range(processes)]
        children = [_fork(ground, part, place) for part, place in zip(parts[1:], places[1:])]
        failures = [*_each(ground, parts[0], places[0])]
        for child, place in zip(children, places[1:]):
            _, status = os.waitpid(child, 0)
            assert status == 0, "a process of the campaign itself failed"
            failures += json.loads(place.with_suffix(".json").read_text())
    return Outcome(name, len(found), len(drawn), round(time.monotonic() - begun, 1), failures)


def _fork(ground: Ground, trials: Sequence[Trial], place: Path) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        place.with_suffix(".json").write_text(json.dumps([*_each(ground, trials, place)]))
        code = 0
    finally:
        os._exit(code)


def _each(ground: Ground, trials: Sequence[Trial], place: Path) -> Iterator[str]:
    for trial in trials:
        place.mkdir(exist_ok=True)
        for what in trial.do(ground.copy(place / "root")):
            told = f"{trial.name}: {what}"
            print(told, file=sys.stderr, flush=True)
            yield told
