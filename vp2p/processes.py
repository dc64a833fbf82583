"""Who a process is, beyond its number: numbers are given again, and mean nothing on another machine."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

_PROC = Path("/proc")
_STATE, _STARTED = 0, 19  # places in /proc/PID/stat behind the name


@lru_cache(1)
def machine() -> str:
    """8 hex digits that stand for this host since it was started, and for the container whose numbers these are."""
    known = [socket.gethostname()]
    try:
        known += [(_PROC / "sys/kernel/random/boot_id").read_text().strip(), os.readlink(_PROC / "self/ns/pid")]
    except OSError:  # not Linux: the host's name alone
        pass
    return sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def started(pid: int) -> int | None:
    """When a process of this machine began, in ticks since the machine was started; 0 if that cannot be told.

    None if there is no such process, or it is dead and its parent has not looked yet.
    """
    try:
        facts = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        return None if facts[_STATE] in (b"Z", b"X") else int(facts[_STARTED])
    except (OSError, IndexError, ValueError):
        return 0 if _is_there(pid) else None


def mine() -> int:
    """When this process began; see :func:`started`."""
    return _mine(os.getpid())


@lru_cache(1)  # a fork asks again
def _mine(pid: int) -> int:
    return started(pid) or 0


def alive(pid: int, since: int) -> bool:
    """Whether the process of this machine with that number is still the one that began ``since``; see started."""
    now = started(pid)
    return now is not None and (now == since or 0 in (now, since))


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True
