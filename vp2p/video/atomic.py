"""Files and folders that appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` to write a file or make a folder at; it then takes the name.

    When the block or the rename fails, the temporary is removed and what was at ``path`` stays.

    Raises:
        OSError: from writing, syncing or renaming.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        for file in sorted(temporary.iterdir()) if temporary.is_dir() else [temporary]:
            with open(file, "r+b") as handle:
                os.fsync(handle.fileno())
        if path.is_dir():
            _swap_folder(temporary, path)
        else:
            os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        _remove(temporary)
        raise


def _swap_folder(new: Path, path: Path) -> None:
    """A folder cannot be renamed over a full one, so the old one steps aside first."""
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        os.replace(old, path)
        raise
    shutil.rmtree(old)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
