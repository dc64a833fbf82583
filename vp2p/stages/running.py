"""One run from start to end: skipped if finished, taken up if interrupted, locked while written."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Mapping

from vp2p.errors import Vp2pError
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

    When ``work`` ends before its first checkpoint, the run leaves nothing behind.

    Raises:
        LockedError: another process is writing the run.
        ArtifactError: the disk refuses, or the run's records or results are damaged.
    """
    if not force and run.finished:
        run.verify()
        return "up to date"
    with run_lock(run.folder):
        if force:
            run.clear()
        elif run.finished:  # by a process that held the lock until now
            return "up to date"
        mine = not run.folder.exists()
        try:
            run.begin(settings)
            mine = True
            _sweep(run.folder)
            found = run.resume()
            work(found)
            run.finish(parents, settings)
        except BaseException:
            if mine:
                _clear_if_empty_handed(run)
            raise
    return "resumed" if found else "done"


def _sweep(folder: Path) -> None:
    """Removes what a kill left of files half written: their names are hidden, no artifact's is."""
    for path in folder.glob(".*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _clear_if_empty_handed(run: RunFolder) -> None:
    """Removes a run that has neither finished nor a checkpoint to go on from."""
    with suppress(Vp2pError, OSError):
        if not run.path("manifest.json").exists() and run.load_checkpoint() is None:
            run.clear()
