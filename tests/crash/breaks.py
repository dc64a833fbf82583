"""The ways in which a process is broken off at one of its write points."""

from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path
from typing import Callable

from tests.crash.power import Disk
from tests.crash.watch import Point, Watch

Break = Callable[[Path], None]
_GROWS = ("open", "mkdir", "sync", "truncate")


def write_down(file: Path, reads: bool = False) -> Break:
    """No break: the write points, one a line, in ``file``, which lies outside the folder that is watched.

    With ``reads``, the points at which a file or a folder is read are among them.
    """

    def begin(root: Path) -> None:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        Watch(root, lambda point: _write(descriptor, f"{point}\n"), reads=reads)

    return begin


def _write(descriptor: int, text: str) -> None:
    os.write(descriptor, text.encode())


def kill_at(number: int) -> Break:
    """SIGKILL just before a write point."""
    return _at(number, lambda: os.kill(os.getpid(), signal.SIGKILL))


def signal_at(number: int, signum: int) -> Break:
    """A signal that the process may handle, just before a write point."""
    return _at(number, lambda: os.kill(os.getpid(), signum))


def _at(number: int, act: Callable[[], None]) -> Break:
    def before(point: Point) -> None:
        if point.number == number:
            act()

    return lambda root: _ignore(Watch(root, before))


def power_cut_at(number: int, survive: float) -> Break:
    """The power goes just before a write point; see :meth:`tests.crash.power.Disk.lose`."""

    def begin(root: Path) -> None:
        stash = root.with_name(f"{root.name}-stash")
        stash.mkdir()
        disk = Disk(root, stash)

        def before(point: Point) -> None:
            if point.number == number:
                disk.lose(survive)
                os.kill(os.getpid(), signal.SIGKILL)
            disk.before(point)

        Watch(root, before, disk.after_sync)

    return begin


def fail_at(number: int, code: int) -> Break:
    """The call at a write point fails with an errno. A full disk then takes nothing more, one whose
    permission went refuses every further change, and an input/output error comes once.
    """

    def before(point: Point) -> None:
        again = point.what in _GROWS if code == errno.ENOSPC else code == errno.EACCES
        if point.number == number or point.number > number and again:
            raise OSError(code, os.strerror(code), str(point.path))

    return lambda root: _ignore(Watch(root, before))


def fail_once(number: int, code: int) -> Break:
    """The call at a point that reads or writes fails with an errno, and no other does."""

    def before(point: Point) -> None:
        if point.number == number:
            raise OSError(code, os.strerror(code), str(point.path))

    return lambda root: _ignore(Watch(root, before, reads=True))


def _ignore(value: object) -> None:
    pass


def with_memory(more: int) -> Break:
    """The process may take ``more`` bytes of memory beyond what it begins with."""

    def begin(root: Path) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return begin
