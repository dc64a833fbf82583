"""SIGINT and SIGTERM in a process whose work others do: noted, to be passed on."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import Iterator

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def noted() -> Iterator[list[int]]:
    """In place of interrupting the block these signals go to the list that it gets, in the order they come."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {signum: signal.signal(signum, lambda signum, _: came.append(signum)) for signum in STOPPING}
    try:
        yield came
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
