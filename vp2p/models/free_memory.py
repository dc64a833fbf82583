"""How much memory is free where a model runs."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Iterator

import psutil
import torch

# What limits a group of processes, what it uses, and what of that is only a cache; by version 2, then by version 1.
_FILES = (
    ("memory.max", "memory.current", "file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"),
)


@dataclass(frozen=True)
class Free:
    """Bytes that are free: ``now``, and ``at_most``, with what the system can put aside in its swap space."""

    now: int
    at_most: int


def free_memory(device: torch.device) -> Free | None:
    """The memory that is free on a device; None where that is not known."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by PyTorch, to be used again
        return Free(free + kept, free + kept)
    if device.type != "cpu":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the system does not tell of its swap space
        swap = psutil.swap_memory().free
    now = min([psutil.virtual_memory().available, *groups_free()])
    return Free(now, now + swap)


def groups_free(root: Path = Path("/")) -> list[int]:
    """Bytes that the limits of this process's control groups (Linux) leave, one for each group that has a limit."""
    found = []
    with suppress(OSError, ValueError):
        for group in _groups(root):
            for limit, used, cache in _FILES:
                with suppress(OSError, ValueError):  # "max" is no number
                    left = _number(group / limit) - _number(group / used) + _cached(group / "memory.stat", cache)
                    found.append(max(0, left))
    return found


def _groups(root: Path) -> Iterator[Path]:
    """The folders of this process's groups and of those above: a limit there counts, too."""
    for line in (root / "proc/self/cgroup").read_text().splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        group = PurePosixPath("/", place.lstrip("/"))
        yield from (base / one.relative_to("/") for one in (group, *group.parents))


def _number(path: Path) -> int:
    return int(path.read_text())


def _cached(path: Path, name: str) -> int:
    """What the system gives back as soon as it is wanted."""
    return next((int(line.split()[1]) for line in path.read_text().splitlines() if line.split()[0] == name), 0)
