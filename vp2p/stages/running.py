"""One run from start to end: skipped if finished, taken up if interrupted, locked while written."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from vp2p.errors import Vp2pError
from vp2p.stages.planned import Planned
from vp2p.stages.result import State
from vp2p.workspace import RunFolder, run_lock
from vp2p.workspace.atomic import writing

if TYPE_CHECKING:
    from torch import Tensor

Checkpoint = tuple["dict[str, Tensor]", "dict[str, Any]"] | None


def perform(planned: Planned, work: Callable[[Checkpoint], None], force: bool = False) -> State:
    """Does ``work`` unless the run is finished; ``work`` gets the checkpoint to go on from, or None.

    With ``force`` a finished run is set aside, and goes once the new one is finished. When ``work``
    ends before its first checkpoint, the run leaves nothing behind, and what was set aside comes back.

    Raises:
        LockedError: another process is writing the run.
        ArtifactError: the disk refuses, or the run's records or results are damaged.
    """
    run = planned.run
    if not force and run.finished:
        run.verify()
        return "up to date"
    with run_lock(run.folder):
        if force:
            _set_aside(run)
        elif run.finished:  # by a process that held the lock until now
            return "up to date"
        mine = not run.folder.exists()
        try:
            run.begin(planned.recorded)
            mine = True
            found = run.resume()
            work(found)
            run.finish({stage: parent.name for stage, parent in planned.parents.items()}, planned.recorded)
        except BaseException:
            if mine:
                _undo(run)
            raise
        shutil.rmtree(_aside(run), ignore_errors=True)
    return "resumed" if found else "done"


def _aside(run: RunFolder) -> Path:
    return run.folder.with_name(f".{run.name}.old")


def _set_aside(run: RunFolder) -> None:
    with writing(run.folder):
        if run.folder.exists() and not _aside(run).exists():
            run.folder.rename(_aside(run))
    run.clear()


def _undo(run: RunFolder) -> None:
    """Removes a run that has neither finished nor a checkpoint to go on from; brings the old one back."""
    with suppress(Vp2pError, OSError):
        if run.path("manifest.json").exists() or run.load_checkpoint() is not None:
            return
        run.clear()
        if _aside(run).exists():
            _aside(run).rename(run.folder)
