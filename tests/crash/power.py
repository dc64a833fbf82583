"""What a disk may lose when the power goes: everything that was not synced.

A file keeps the bytes it had at its last sync. A folder keeps the names it had at its last sync, or
those after any number of its later changes, as file systems write them down in order.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.crash.watch import Point


@dataclass(frozen=True)
class _Change:
    """A change of names in folders that may yet be lost. Folders are known by inode, as they may be renamed."""

    what: str
    folder: int
    name: str
    to_folder: int = 0
    to_name: str = ""
    kept: Path | None = None  # another link to the file that the change takes away
    inode: int = 0  # of the folder that the change takes away


class Disk:
    """Follows the write points below ``root``, and can lose what is not synced.

    Args:
        root: all that is in it counts as synced.
        stash: an empty folder of the same file system.
    """

    def __init__(self, root: Path, stash: Path) -> None:
        self._root, self._stash = root, stash
        self._synced = {path.stat().st_ino: path.stat().st_size for path in root.rglob("*") if path.is_file()}
        self._changes: list[_Change] = []
        self._held: list[int] = []
        self._again: dict[int, int] = {}  # inodes of removed folders, and those of the folders that undo it

    def before(self, point: Point) -> None:
        """Takes note of a change that is about to be made."""
        folder, name = _inode(point.path.parent), point.path.name
        if point.what == "open" and not point.path.exists():
            self._changes.append(_Change("create", folder, name))
        elif point.what == "mkdir" and not point.path.exists():
            self._changes.append(_Change("mkdir", folder, name))
        elif point.what == "remove" and point.path.exists():
            self._changes.append(_Change("remove", folder, name, kept=self._keep(point.path)))
        elif point.what == "rmdir" and point.path.exists():
            self._changes.append(_Change("rmdir", folder, name, inode=self._hold(point.path)))
        elif point.what == "rename" and point.path.exists():
            kept = self._keep(point.to) if point.to.is_file() else None
            self._changes.append(_Change("rename", folder, name, _inode(point.to.parent), point.to.name, kept))

    def after_sync(self, path: Path) -> None:
        """Takes note of a sync that was made."""
        found = path.stat()
        if path.is_dir():
            self._changes = [one for one in self._changes if found.st_ino not in (one.folder, one.to_folder)]
        else:
            self._synced[found.st_ino] = found.st_size

    def lose(self, survive: float) -> None:
        """Loses the last of the changes of names that are not synced, and all bytes that are not.

        ``survive`` is the share of those changes that is kept, the oldest ones.
        """
        for change in reversed(self._changes[round(survive * len(self._changes)) :]):
            self._undo(change)
        for path in self._root.rglob("*"):
            if path.is_file() and (kept := self._synced.get(_inode(path), 0)) < path.stat().st_size:
                os.truncate(path, kept)

    def _undo(self, change: _Change) -> None:
        folder = self._find(change.folder)
        if folder is None:  # lost with a folder above it
            return
        path = folder / change.name
        if change.what == "create":
            path.unlink(missing_ok=True)
        elif change.what == "mkdir":
            shutil.rmtree(path, ignore_errors=True)
        elif change.what == "remove":
            os.link(change.kept, path)
        elif change.what == "rmdir":
            path.mkdir()
            self._again[change.inode] = _inode(path)
        elif (target := self._find(change.to_folder)) is not None and (target / change.to_name).exists():
            os.rename(target / change.to_name, path)
            if change.kept is not None:
                os.link(change.kept, target / change.to_name)

    def _find(self, inode: int) -> Path | None:
        inode = self._again.get(inode, inode)
        folders = (self._root, *(path for path in self._root.rglob("*") if path.is_dir()))
        return next((path for path in folders if _inode(path) == inode), None)

    def _keep(self, path: Path) -> Path:
        """Another link to a file that a change takes away."""
        kept = self._stash / str(len(self._held))
        self._hold(path)
        os.link(path, kept)
        return kept

    def _hold(self, path: Path) -> int:
        """The inode of what a change takes away; as long as it is open, nothing new gets its number."""
        self._held.append(os.open(path, os.O_RDONLY))
        return _inode(path)


def _inode(path: Path) -> int:
    return path.stat().st_ino
