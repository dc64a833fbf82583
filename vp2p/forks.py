"""Processes of our own as forks of one that has imported what they need: it is imported once, and in memory once."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerContext, SpawnContext
from typing import Mapping


def context(preload: str) -> ForkServerContext | SpawnContext:
    """How to start processes, with the environment that the first one had: see :func:`adopt`.

    Only on Linux are forks safe beside the system's own libraries. Elsewhere each starts afresh.

    Args:
        preload: the module that is imported before.
    """
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([preload])
    return found


def adopt(environment: Mapping[str, str]) -> None:
    """Has this process take over its parent's environment."""
    os.environ.clear()
    os.environ.update(environment)
