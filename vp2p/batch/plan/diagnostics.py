"""What is wrong with a plan: every mistake with its line, told at once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from vp2p.errors import UsageError, Vp2pError


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One mistake: its line, counted from 1, what is wrong, and what to write instead."""

    line: int
    cause: str
    hint: str


class PlanError(UsageError):
    """A plan with mistakes; nothing of it was started."""

    def __init__(self, path: Path, diagnostics: tuple[Diagnostic, ...]) -> None:
        first = diagnostics[0]
        super().__init__(f"{path}:{first.line}: {first.cause}", first.hint)
        self.path = path
        self.diagnostics = diagnostics


class Diagnostics:
    """Gathers the mistakes of the plan ``path``; each is kept once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: set[Diagnostic] = set()

    def __len__(self) -> int:
        return len(self._found)

    def add(self, line: int, cause: str, hint: str) -> None:
        self._found.add(Diagnostic(line, cause, hint))

    @contextmanager
    def at(self, line: int, once: bool = False) -> Iterator[None]:
        """Takes what the block raises for a mistake at ``line``; with ``once`` if no other line has the same."""
        try:
            yield
        except Vp2pError as error:
            if not once or all(known.cause != error.cause for known in self._found):
                self.add(line, error.cause, error.hint)

    def check(self) -> None:
        """Raises PlanError if there is any."""
        if self._found:
            raise PlanError(self._path, tuple(sorted(self._found)))
