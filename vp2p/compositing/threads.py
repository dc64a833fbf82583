"""Independent work side by side: OpenCV and PyTorch leave Python's lock free while they compute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Callable, Iterable, Iterator, TypeVar

import cv2
import torch
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Found = TypeVar("Found")


def side_by_side(work: Callable[[Item], Found], items: Iterable[Item]) -> list[Found]:
    """What ``work`` finds for each item, in their order, by as many threads as PyTorch may use.

    Each thread computes with one core; so work that is begun inside such work is done one after the other. Workers do
    not see the caller's gradient mode.
    """
    items = list(items)
    threads = min(len(items), torch.get_num_threads())
    # To share small matrices among cores takes longer than it gains.
    with _libraries().limit(limits=1, user_api="blas"):
        if threads < 2:
            return [work(item) for item in items]
        with _one_core_each(), ThreadPoolExecutor(threads) as pool:
            return list(pool.map(work, items))


@contextmanager
def _one_core_each() -> Iterator[None]:
    """Neither PyTorch nor OpenCV begins threads of its own."""
    mine, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)  # new threads begin with what was set last
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(of_opencv)
        torch.set_num_threads(mine)


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Those that are loaded; to look for them takes some milliseconds."""
    return ThreadpoolController()
