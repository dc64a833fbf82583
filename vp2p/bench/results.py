"""The scores of a bench: a file of JSON lines that grows as results come, and survives a crash."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Iterable

from vp2p.bench.scores import VERSION, Scores


@dataclass(frozen=True)
class Result:
    """The scores of one case by one method; ``identity`` stands for all that they depend on."""

    case: str
    method: str
    identity: str
    scores: Scores

    @property
    def key(self) -> tuple[str, str]:
        return self.case, self.method


class ScoreFile:
    """Results by case and method. The newest line of a pair counts; a line cut off by a crash does not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = {result.key: result for result in _read(path)}

    def get(self, case: str, method: str, identity: str) -> Result | None:
        """The result of this very identity, if it is there."""
        found = self._found.get((case, method))
        return found if found and found.identity == identity else None

    def add(self, result: Result) -> None:
        """Appends a line, and waits until it is on the disk."""
        record = {"version": VERSION, **asdict(result)}
        with self._path.open("a+b") as file:
            # After a line that was cut off, a new one begins.
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - 1))
            start = b"\n" if end and file.read(1) != b"\n" else b""
            file.write(start + json.dumps(record).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._found[result.key] = result

    def of(self, cases: Iterable[str], methods: Iterable[str]) -> list[Result]:
        """The results there are, in the order of the cases, then of the methods."""
        wanted = [(case, method) for case in cases for method in methods]
        return [self._found[key] for key in wanted if key in self._found]


def _read(path: Path) -> Iterable[Result]:
    names = {entry.name for entry in fields(Scores)}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("version") == VERSION and set(record["scores"]) == names:
            yield Result(record["case"], record["method"], record["identity"], Scores(**record["scores"]))
