"""Python's search for cyclic garbage, left out where it takes seconds and finds none: see docs/benchmarks.md."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import Iterator

_FEW = 10_000  # new objects, which a search looks through in a millisecond


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for a while, as for an import of large libraries: nearly all that it makes stays.

    What is there at the end counts as old, and is looked through with the next full search.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    before = gc.get_count()[0]
    try:
        yield
    finally:
        made = gc.get_count()[0] - before
        # To count what is frozen walks through all of it, so it is not asked for nothing.
        if made > _FEW and not gc.get_freeze_count():  # else a program has frozen objects of its own
            gc.freeze()
            gc.unfreeze()  # they come back as the oldest
        gc.enable()


def unsearched_at_exit() -> None:
    """No search when the process ends: its memory goes anyway. For programs of vp2p's own alone."""
    atexit.register(gc.freeze)
