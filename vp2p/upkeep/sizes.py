"""Sizes on the disk, and how a long reading or writing of bytes is told."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from vp2p.progress import Progress

_MEGABYTE = 1_000_000


def size_of(path: Path) -> int:
    """Bytes of a file or a link, or of all files below a folder."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def in_megabytes(progress: Progress, what: str, total: int) -> Callable[[int], None]:
    """A function that is told how many more of ``total`` bytes are done, and tells ``progress`` in MB."""
    done = 0

    def on_bytes(more: int) -> None:
        nonlocal done
        done += more
        progress(what, done // _MEGABYTE, max(1, total // _MEGABYTE), "MB")

    return on_bytes
