"""A process that does one job after another and says how each goes, over a pipe."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Mapping

from vp2p.batch.progress import at_most_every
from vp2p.batch.signals import STOPPING
from vp2p.forks import adopt
from vp2p.stages.saving import Interrupted, interrupt

_SECONDS_BETWEEN_NEWS = 0.1


def serve(pipe: Connection, index: int, jobs: int, level: int, environment: Mapping[str, str]) -> None:
    """Takes (jobs, name of their parent run) from ``pipe`` until it closes; see :func:`vp2p.batch.job.attempt`.

    Sends ``("progress", what, done, total, metric)``, ``("log", level, text)`` and ``("end", outcomes)``.

    Args:
        index: the place of this process among ``jobs``; they share the cores, and take the GPUs in turn.
        level: of the log.
        environment: of the parent.
    """
    adopt(environment)
    # A terminal's Ctrl-C goes to all processes of its group; this one gets it from its parent, once.
    os.setpgrp()
    for signum in STOPPING:
        signal.signal(signum, interrupt)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        threading.Thread(target=_stop_with_parent, daemon=True).start()
        logging.basicConfig(handlers=[_Tell(pipe)], level=level, force=True)
        logging.captureWarnings(True)
        _serve(pipe, index, jobs)
    except Interrupted as interrupted:
        sys.exit(128 + interrupted.signum)
    except (EOFError, BrokenPipeError):
        pass


def _serve(pipe: Connection, index: int, jobs: int) -> None:
    import torch

    from vp2p.batch.job import attempt
    from vp2p.batch.pool import Pool

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(max(1, min(torch.get_num_threads(), cores // jobs)))
    if torch.cuda.is_available():
        torch.cuda.set_device(index % torch.cuda.device_count())

    def tell(what: str, done: int, total: int, metric: str = "") -> None:
        try:
            pipe.send(("progress", what, done, total, metric))
        except OSError as error:  # the parent is gone
            raise Interrupted(signal.SIGTERM) from error

    pool, progress = Pool(), at_most_every(_SECONDS_BETWEEN_NEWS, tell)
    while True:
        jobs_of_one, parent = pipe.recv()
        pipe.send(("end", attempt(pool, jobs_of_one, parent, progress)))


class _Tell(logging.Handler):
    """Sends the log to the parent, whose terminal it is."""

    def __init__(self, pipe: Connection) -> None:
        super().__init__()
        self._pipe = pipe

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):
            self._pipe.send(("log", record.levelno, self.format(record)))


def _stop_with_parent() -> None:
    """Nobody would hear the results of a process whose parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
