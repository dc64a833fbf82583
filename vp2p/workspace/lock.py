"""One writer a run folder: an flock on a small file that says who holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import shlex
import socket
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

from vp2p import processes
from vp2p.atomic import make_folder
from vp2p.errors import ArtifactError, LockedError
from vp2p.workspace.atomic import writing

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_SECONDS_BETWEEN_LOOKS = 0.05
_LOOKS, _SECONDS_OF_A_READER = 3, 0.005


class Holder(NamedTuple):
    """Who writes a run: ``since`` is an ISO time; ``machine`` and ``start`` as :mod:`vp2p.processes` tells them.

    The last two are empty and 0 in locks of older versions.
    """

    host: str
    pid: int
    since: str
    machine: str = ""
    start: int = 0

    def __str__(self) -> str:
        return f"process {self.pid} on {'this host' if self.here else f'another host, {self.host}'}"

    @property
    def here(self) -> bool:
        """Whether it is a process of this host."""
        return self.host == socket.gethostname()


@contextlib.contextmanager
def run_lock(folder: Path, wait: float = 0.0, told: Callable[[LockedError], None] | None = None) -> Iterator[None]:
    """Hold the only right to write the run folder ``folder``, which need not exist yet.

    The lock is ``.<name>.lock`` beside the folder. The system frees it when its process dies, however
    it dies, so a crash leaves nothing to clean up.

    Args:
        wait: seconds to wait at most for another writer that holds it.
        told: called once, before the waiting, with who that is.

    Raises:
        LockedError: another writer holds it; says which process, on which host, since when.
        ArtifactError: the lock file cannot be written, or the file system has no locks.
    """
    path = lock_path(folder)
    with writing(path):
        make_folder(path.parent)
        descriptor = _patiently(path, time.monotonic() + wait, told)
    try:
        with writing(path):
            _write_holder(descriptor)
        yield
    finally:
        try:
            _unlink(descriptor, path)
        except BaseException:  # a signal broke it off
            _unlink(descriptor, path)
            raise
        finally:
            os.close(descriptor)


def _patiently(path: Path, until: float, told: Callable[[LockedError], None] | None) -> int:
    while True:
        try:
            return _acquire(path)
        except LockedError as error:
            if time.monotonic() >= until:
                raise
            if told is not None:
                told(error)
                told = None
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def lock_path(folder: Path) -> Path:
    """Where the lock of the run folder ``folder`` is while it is held, and after its holder was killed."""
    return folder.with_name(f".{folder.name}.lock")


def holder(folder: Path) -> Holder | None:
    """Who is writing the run folder ``folder``, as far as can be told without taking its lock; or None.

    A process of another host is believed to be alive.
    """
    path = lock_path(folder)
    try:
        found = _read_holder(path.read_bytes())
        if found is None or not found.here:
            return found
        if found.machine == processes.machine():
            return found if processes.alive(found.pid, found.start) else None
        # Of an older version, of another container, or from before this host was started: the system knows.
        return found if _is_locked(path) else None
    except OSError:
        return None


def how_to_break(folder: Path, found: Holder) -> str:
    """What to do where the host of a run's writer is gone for good; empty where that is seen from here."""
    return "" if found.here else f"if {found.host} is gone for good: rm {shlex.quote(str(lock_path(folder)))}"


def _is_locked(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    looks = _LOOKS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError as error:
            looks -= 1
            if looks:  # it may be a reader, which holds it for an instant (_is_locked)
                os.close(descriptor)
                time.sleep(_SECONDS_OF_A_READER)
                continue
            locked = _locked(descriptor, path)
            os.close(descriptor)
            raise locked from error
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_LOCKS:
                raise ArtifactError(
                    f"The file system of {path.parent} does not support locks.",
                    "move the workspace to a local disk",
                ) from error
            raise
        os.close(descriptor)


def _unlink(descriptor: int, path: Path) -> None:
    # While still held: whoever opened the old file sees in _is_at that it is gone.
    with contextlib.suppress(OSError):
        if _is_at(descriptor, path):
            path.unlink()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int) -> None:
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    mine = Holder(socket.gethostname(), os.getpid(), since, processes.machine(), processes.mine())
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(mine._asdict()).encode("utf-8"), 0)


def _read_holder(data: bytes) -> Holder | None:
    """Who wrote the lock file; None while it is still empty."""
    try:
        found = json.loads(data)
        known = str(found.get("machine", "")), int(found.get("start", 0))
        return Holder(str(found["host"]), int(found["pid"]), str(found["since"]), *known)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _locked(descriptor: int, path: Path) -> LockedError:
    run = path.with_name(path.name[1 : -len(".lock")])
    found = _read_holder(os.pread(descriptor, 4096, 0))
    if found is None:  # the holder has the lock but has not yet written its name
        return LockedError(f"Another process is writing {run}.", "wait until it ends, then the same command again")
    stop = f"kill {found.pid}" if found.here else f"stop process {found.pid} on {found.host}"
    if not found.here:
        stop += f" ({how_to_break(run, found)})"
    return LockedError(
        f"{str(found)[0].upper()}{str(found)[1:]} has been writing {run} since {found.since}.",
        f"wait until it ends, or {stop}, then the same command again",
    )
