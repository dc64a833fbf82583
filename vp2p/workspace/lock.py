"""One writer a run folder: an flock on a small file that says who holds it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Iterator

from vp2p.errors import ArtifactError, LockedError
from vp2p.workspace.atomic import writing

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@contextlib.contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the only right to write the run folder ``folder``, which need not exist yet.

    The lock is ``.<name>.lock`` beside the folder. The system frees it when its process dies, however
    it dies, so a crash leaves nothing to clean up.

    Raises:
        LockedError: another writer holds it; says which process, on which host, since when.
        ArtifactError: the lock file cannot be written, or the file system has no locks.
    """
    path = folder.with_name(f".{folder.name}.lock")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(path)
    try:
        with writing(path):
            _write_holder(descriptor)
        yield
    finally:
        # Unlinked while still held: whoever opened the old file sees in _is_at that it is gone.
        with contextlib.suppress(OSError):
            if _is_at(descriptor, path):
                path.unlink()
        os.close(descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError as error:
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


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int) -> None:
    since = datetime.now(timezone.utc).isoformat(timespec="seconds")
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": since}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode("utf-8"), 0)


def _locked(descriptor: int, path: Path) -> LockedError:
    run = path.with_name(path.name[1 : -len(".lock")])
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
        host, pid, since = holder["host"], holder["pid"], holder["since"]
    except (ValueError, KeyError, TypeError):
        # The holder has the lock but has not yet written its name.
        return LockedError(f"Another process is writing {run}.", "wait until it ends, then the same command again")
    here = host == socket.gethostname()
    where = "this host" if here else f"another host, {host}"
    stop = f"kill {pid}" if here else f"stop process {pid} on {host}"
    return LockedError(
        f"Process {pid} on {where} has been writing {run} since {since}.",
        f"wait until it ends, or {stop}, then the same command again",
    )
