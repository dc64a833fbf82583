"""Files and folders that appear whole or not at all: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

TEMPORARY_PREFIX = ".tmp-"


@contextmanager
def swapping(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, to write a file or make a folder at; it then takes the name.

    It ends like ``path``, because encoders choose their format by the suffix. When the block or the
    rename fails, what was written is removed and what was at ``path`` stays.

    Raises:
        OSError: from writing, syncing or renaming.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(4)}-{path.name}")
    try:
        yield temporary
        for file in sorted(temporary.iterdir()) if temporary.is_dir() else [temporary]:
            sync(file)
        if path.is_dir():
            _swap_folder(temporary, path)
        else:
            os.replace(temporary, path)
        sync(path.parent)
    except BaseException:
        _remove(temporary)
        raise


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, each safely on the disk; one that is there is no error.

    Raises:
        OSError: from making or syncing, or because something else has the name.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync(folder.parent)


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    if os.name == "nt" and path.is_dir():  # a folder cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap_folder(new: Path, path: Path) -> None:
    """A folder cannot be renamed over a full one, so the old one steps aside first."""
    old = new.with_name(f"{new.name}.old")
    os.replace(path, old)
    try:
        os.replace(new, path)
    except OSError:
        os.replace(old, path)
        raise
    shutil.rmtree(old)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
