"""Checkpoints of a running stage: every so often, and when it is told to stop."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Any, Callable, Mapping

from vp2p.workspace import RunFolder

if TYPE_CHECKING:
    from torch import Tensor

SECONDS_BETWEEN = 10.0


class Interrupted(BaseException):
    """SIGINT or SIGTERM came; the checkpoint is saved."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def interrupt(signum: int, frame: FrameType | None) -> None:
    """A signal's handler where nothing needs saving first. Raises Interrupted."""
    raise Interrupted(signum)


def interruption(error: BaseException | None) -> Interrupted | None:
    """The signal behind an error, if there is one: a library that it breaks off may fail in its own clean-up,
    and that error then takes its place.
    """
    while error is not None and not isinstance(error, Interrupted):
        error = error.__cause__ or error.__context__
    return error


class Saver:
    """Saves the newest state that the loop offers, at most every ``seconds``, and on a signal.

    A state offered as immutable can be saved at any instant, so a signal acts at once. One that the
    loop advances in place is whole only when it is offered, so a signal waits for that.
    """

    def __init__(self, run: RunFolder, immutable: bool, seconds: float = SECONDS_BETWEEN) -> None:
        self._run = run
        self._immutable = immutable
        self._seconds = seconds
        self._saved_at = time.monotonic()
        self._pending: Callable[[], tuple[Mapping[str, Tensor], Mapping[str, Any]]] | None = None
        self._signum: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Saver:
        if threading.current_thread() is threading.main_thread():
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._before[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        try:
            if interruption(error):
                self._save()
        finally:
            for signum, handler in self._before.items():
                signal.signal(signum, handler)

    def offer(self, state: Callable[[], tuple[Mapping[str, Tensor], Mapping[str, Any]]]) -> None:
        """The state after a step: a function that gives a checkpoint's tensors and meta."""
        self._pending = state
        if time.monotonic() - self._saved_at >= self._seconds:
            self._save()
        if self._signum is not None:
            raise Interrupted(self._signum)

    def end(self) -> None:
        """The run is finished: what was offered is not saved any more."""
        self._pending = None

    def _save(self) -> None:
        if self._pending is not None:
            tensors, meta = self._pending()
            self._run.save_checkpoint(tensors, meta)
            self._pending = None
            self._saved_at = time.monotonic()

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self._immutable:
            raise Interrupted(signum)
        if self._signum is not None:  # the second signal does not wait, and finds the state half advanced
            self._pending = None
            raise Interrupted(signum)
        self._signum = signum
