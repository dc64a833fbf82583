"""How long work tells where it stands: one callback, used by the library, the stages and the commands."""

from __future__ import annotations

from typing import Protocol

SECONDS_VARIABLE = "VP2P_PROGRESS_SECONDS"
"""Names the environment variable that says how often a command off a terminal tells where it stands."""


class Progress(Protocol):
    """Is called after each step. An error that it raises ends the work: so a caller cancels it."""

    def __call__(self, what: str, done: int, total: int, metric: str = "") -> None:
        """``done`` of ``total`` steps of ``what`` are made; ``metric`` is a figure to show, such as the loss."""


def silent(what: str, done: int, total: int, metric: str = "") -> None:
    """A :class:`Progress` that says nothing."""
