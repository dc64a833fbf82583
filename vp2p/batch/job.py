"""One job, done in this process by the stages that the commands run."""

from __future__ import annotations

import logging

from vp2p.batch.graph import Failure, Job
from vp2p.batch.pool import Pool
from vp2p.errors import Vp2pError, is_out_of_memory
from vp2p.progress import Progress
from vp2p.settings import InvertSettings, TuneSettings
from vp2p.stages.edit import KeepAs, edit
from vp2p.stages.init import init
from vp2p.stages.invert import invert
from vp2p.stages.redo import redo
from vp2p.stages.result import StageResult
from vp2p.stages.saving import interruption
from vp2p.stages.tune import tune
from vp2p.workspace import Workspace

_log = logging.getLogger(__name__)
_LESS_MEMORY = "the same with fewer frames, a smaller size, or model: {memory: low}"


def attempt(pool: Pool, job: Job, parent: str | None, progress: Progress) -> StageResult | Failure:
    """Does a job; whatever goes wrong in it is returned, so that it stays with the job.

    Args:
        parent: the name of the run that this one is made from.

    Raises:
        Interrupted: a signal came; a checkpoint is saved.
    """
    try:
        return _run(pool, job, parent, progress)
    except Exception as error:
        if interrupted := interruption(error):
            raise interrupted from None
        return _failure(job, error)


def _failure(job: Job, error: Exception) -> Failure:
    if isinstance(error, Vp2pError):
        return Failure(type(error).__name__, error.cause, error.hint, error.exit_code)
    if is_out_of_memory(error):
        return Failure("OutOfMemoryError", "There is not enough memory for this.", _LESS_MEMORY)
    _log.info("%s failed", job.stage, exc_info=error)
    reason = (str(error).strip() or "no reason given").splitlines()[0]
    return Failure("UnexpectedError", f"{type(error).__name__}: {reason}", "vp2p -v batch … says where it happened")


def _run(pool: Pool, job: Job, parent: str | None, progress: Progress) -> StageResult:
    if job.settings is None:
        return init(job.folder, job.config, pool.session)
    session = pool.session(Workspace(job.folder, redo), job.compute)
    if isinstance(job.settings, TuneSettings):
        return tune(session, job.settings, progress=progress)
    if isinstance(job.settings, InvertSettings):
        return invert(session, job.settings, parent, progress=progress)
    return edit(session, job.settings, parent, KeepAs(job.name, job.format), progress)
