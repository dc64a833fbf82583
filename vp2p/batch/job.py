"""Jobs, done in this process by the stages that the commands run."""

from __future__ import annotations

import logging
from typing import Sequence

from vp2p.batch.graph import Failure, Job
from vp2p.batch.pool import Pool
from vp2p.errors import Vp2pError, is_out_of_memory
from vp2p.progress import Progress
from vp2p.settings import EditSettings, InvertSettings, TuneSettings
from vp2p.stages.edit import KeepAs, edit_all
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.redo import redo
from vp2p.stages.result import StageResult
from vp2p.stages.saving import interruption
from vp2p.stages.tune import tune
from vp2p.workspace import Workspace

_log = logging.getLogger(__name__)
_LESS_MEMORY = "the same with fewer frames, a smaller size, or model: {memory: low}"


def attempt(pool: Pool, jobs: Sequence[Job], parent: str | None, progress: Progress) -> list[StageResult | Failure]:
    """Does jobs; whatever goes wrong in one is returned, so that it stays with it.

    Args:
        jobs: one, or several edits of one inversion, which are made side by side.
        parent: the name of the run that they are made from.

    Raises:
        Interrupted: a signal came; a checkpoint is saved.
    """
    try:
        return [*_run(pool, jobs, parent, progress)]
    except Exception as error:
        if interrupted := interruption(error):
            raise interrupted from None
        if len(jobs) == 1:
            return [_failure(jobs[0], error)]
        _log.info("made side by side, the edits failed; each is made alone", exc_info=error)
    return [outcome for job in jobs for outcome in attempt(pool, [job], parent, progress)]


def _failure(job: Job, error: Exception) -> Failure:
    if isinstance(error, Vp2pError):
        return Failure(type(error).__name__, error.cause, error.hint, error.exit_code)
    if is_out_of_memory(error):
        return Failure("OutOfMemoryError", "There is not enough memory for this.", _LESS_MEMORY)
    _log.info("%s failed", job.stage, exc_info=error)
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return Failure("UnexpectedError", f"{type(error).__name__}: {reason}", "vp2p -v batch … says where it happened")


def _run(pool: Pool, jobs: Sequence[Job], parent: str | None, progress: Progress) -> list[StageResult]:
    job = jobs[0]
    if job.settings is None:
        return [init(job.folder, job.config, pool.session)]
    session = pool.session(Workspace(job.folder, redo), job.compute)
    if isinstance(job.settings, TuneSettings):
        return [tune(session, job.settings, progress=progress)]
    if isinstance(job.settings, InvertSettings):
        return [invert(session, job.settings, parent, progress=progress)]
    asked = [one.settings for one in jobs if isinstance(one.settings, EditSettings)]
    return edit_all(session, asked, parent, [KeepAs(one.name, one.format) for one in jobs], progress)
