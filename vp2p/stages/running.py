"""One run from start to end: skipped if finished, taken up if interrupted, locked while written."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple

from vp2p.errors import LockedError, Vp2pError
from vp2p.stages.planned import Planned
from vp2p.stages.result import State
from vp2p.workspace import RunFolder, lifecycle, run_lock

if TYPE_CHECKING:
    from torch import Tensor

Checkpoint = tuple["dict[str, Tensor]", "dict[str, Any]"] | None


class Patience(NamedTuple):
    """How many seconds to wait for another process that writes the run; ``told`` learns once who that is."""

    seconds: float = 0.0
    told: Callable[[LockedError], None] | None = None


NONE = Patience()


def perform(
    planned: Planned, work: Callable[[Checkpoint], None], force: bool = False, patience: Patience = NONE
) -> State:
    """Does ``work`` unless the run is finished; ``work`` gets the checkpoint to go on from, or None.

    Raises:
        LockedError, ArtifactError: see :func:`performing`.
    """
    with performing(planned, force, patience) as (state, found):
        if state != "up to date":
            work(found)
    return state


@contextmanager
def performing(planned: Planned, force: bool = False, patience: Patience = NONE) -> Iterator[tuple[State, Checkpoint]]:
    """Holds a run from its beginning to its end; gives what it will have become, and the checkpoint to go on from.

    With ``force`` a finished run is set aside, and goes once the new one is finished. When the work
    ends before its first checkpoint, the run leaves nothing behind, and what was set aside comes back.
    Where the run is up to date, there is nothing to do.

    Raises:
        LockedError: another process is writing the run.
        ArtifactError: the disk refuses, or the run's records or results are damaged.
    """
    run = planned.run
    if not force and run.finished:
        run.verify()
        _tidy(run)
        yield "up to date", None
        return
    lifecycle.check_run_unlinked(run)
    with run_lock(run.folder, patience.seconds, patience.told):
        if not force and run.finished:  # by a process that held the lock until now
            lifecycle.tidy(run)
            yield "up to date", None
            return
        mine = force or not run.folder.exists()
        try:
            if force:
                lifecycle.set_aside(run)
            lifecycle.begin(run, planned.recorded, planned.parents)
            mine = True
            found = lifecycle.resume(run)
            yield "resumed" if found else "done", found
            lifecycle.finish(run, planned.recorded, planned.parents)
        except BaseException:
            if mine:
                _undo(run)
            raise


def _tidy(run: RunFolder) -> None:
    """Removes what a process that was killed just after it had finished the run left of its work."""
    if run.aside.exists() or run.untidy:
        with suppress(Vp2pError, OSError), run_lock(run.folder):
            lifecycle.tidy(run)


def _undo(run: RunFolder) -> None:
    """Removes a run that has neither finished nor a checkpoint to go on from; brings the old one back."""
    with suppress(Vp2pError, OSError):
        if not run.has_manifest and run.load_checkpoint() is None:
            lifecycle.take_back(run)
