"""One run from start to end: skipped if finished, taken up if interrupted, locked while written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Mapping

from vp2p.stages.result import State
from vp2p.workspace import RunFolder, run_lock

if TYPE_CHECKING:
    from torch import Tensor

Checkpoint = tuple["dict[str, Tensor]", "dict[str, Any]"] | None


def perform(
    run: RunFolder,
    settings: Mapping[str, Any],
    parents: Mapping[str, str],
    work: Callable[[Checkpoint], None],
    force: bool = False,
) -> State:
    """Does ``work`` unless the run is finished; ``work`` gets the checkpoint to go on from, or None.

    Raises:
        LockedError: another process is writing the run.
        ArtifactError: the disk refuses, or the run's records are damaged.
    """
    if run.finished and not force:
        return "up to date"
    with run_lock(run.folder):
        if force:
            run.clear()
        elif run.finished:  # by a process that held the lock until now
            return "up to date"
        run.begin(settings)
        found = run.resume()
        work(found)
        run.finish(parents, settings)
    return "resumed" if found else "done"
