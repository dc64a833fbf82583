"""The write points of a process: every call by which it changes what is below a folder, told before it is made.

Python's audit hooks see what Python code and its libraries do through Python, down to the unlinks of
``shutil.rmtree``; syncs have no audit event, so ``os.fsync`` is wrapped. What C code writes by itself,
as FFmpeg does, is seen at the sync and the rename that follow.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Point:
    """A call about to be made: its number from 1, what it is, and the paths it is about.

    ``what`` is open, rename, remove, mkdir, rmdir, truncate, lock or sync; read or list where reads count, too.
    """

    number: int
    what: str
    path: Path
    to: Path | None = None

    def __str__(self) -> str:
        return f"{self.number} {self.what} {self.path.name}" + (f" to {self.to.name}" if self.to else "")


class Watch:
    """Calls ``before`` ahead of every write point below ``root``, for the rest of the process.

    With ``reads`` the opening of a file for reading and the listing of a folder are points, too.
    ``before`` may kill the process, or raise an OSError in place of the call.
    """

    def __init__(
        self,
        root: Path,
        before: Callable[[Point], None],
        after_sync: Callable[[Path], None] | None = None,
        reads: bool = False,
    ) -> None:
        self._root = root
        self._before = before
        self._after_sync = after_sync
        self._reads = reads
        self._count = 0
        self._busy = False
        self._fsync = os.fsync
        os.fsync = self._sync
        sys.addaudithook(self._hear)

    def _sync(self, descriptor: int) -> None:
        path = path_of(descriptor)
        self._tell("sync", path)
        self._fsync(descriptor)
        if self._after_sync is not None:
            self._after_sync(path)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int) and (flags & _WRITES or self._reads):
                self._tell("open" if flags & _WRITES else "read", _absolute(path))
        elif event in ("os.listdir", "os.scandir"):
            if self._reads and not isinstance(arguments[0], int):
                self._tell("list", _absolute(arguments[0] or "."))
        elif event == "os.rename":
            source, target, source_folder, target_folder = arguments
            self._tell("rename", _absolute(source, source_folder), _absolute(target, target_folder))
        elif event in ("os.remove", "os.rmdir", "os.mkdir"):
            self._tell(event.removeprefix("os."), _absolute(arguments[0], arguments[-1]))
        elif event == "os.truncate":
            target = arguments[0]
            self._tell("truncate", path_of(target) if isinstance(target, int) else _absolute(target))
        elif event == "fcntl.flock":
            self._tell("lock", path_of(arguments[0]))

    def _tell(self, what: str, path: Path, to: Path | None = None) -> None:
        if self._busy or not path.is_relative_to(self._root):
            return
        self._count += 1
        self._busy = True  # what ``before`` itself does is no write point
        try:
            self._before(Point(self._count, what, path, to))
        finally:
            self._busy = False


def path_of(descriptor: int) -> Path:
    """What an open file or folder is called now (Linux)."""
    return Path(os.readlink(f"/proc/self/fd/{descriptor}"))


def _absolute(path: str | bytes | os.PathLike[str], folder: int = -1) -> Path:
    return (path_of(folder) if folder >= 0 else Path.cwd()) / os.fsdecode(path)
