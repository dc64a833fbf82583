"""The work of a bench in one process or spread over several.

Not in ``__main__``: processes that are started afresh do not import that of a package.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from vp2p.bench.cases import Case
from vp2p.bench.methods import Method
from vp2p.bench.parts import without
from vp2p.bench.results import Result
from vp2p.bench.working import Failed, Worker
from vp2p.forks import context

_worker: Worker


class Bench(NamedTuple):
    """Where results go, by which methods, and which parts of compositing are left out."""

    out: Path
    methods: Sequence[Method]
    without: Sequence[str] = ()


def work(bench: Bench, cases: Sequence[Case], jobs: int) -> Iterator[Result | Failed]:
    """Each case by each method, ``jobs`` cases at once; results come as they are ready.

    Raises:
        Interrupted: a signal came; checkpoints are saved.
    """
    if jobs == 1:
        worker = Worker(bench.out)
        for case in cases:
            with without(bench.without):
                yield from worker.do(case, bench.methods)
        return
    with ProcessPoolExecutor(jobs, context(__name__), _start, (bench.out, jobs)) as pool:
        try:
            for future in as_completed([pool.submit(_do, case, bench) for case in cases]):
                yield from future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _start(out: Path, jobs: int) -> None:
    """Makes the worker of a process of its own, which takes its share of the processor."""
    import torch

    global _worker
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // jobs))
    _worker = Worker(out)


def _do(case: Case, bench: Bench) -> list[Result | Failed]:
    with without(bench.without):
        return list(_worker.do(case, bench.methods))
