"""Files and folders that appear whole or not at all: temporary name, fsync, rename, fsync of the folder."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, Literal, NamedTuple

from vp2p import processes

TEMPORARY_PREFIX = ".tmp-"
# Names its writer: .tmp-MACHINE.PID.START.RANDOM-NAME, the numbers in hexadecimal digits.
_TEMPORARY = re.compile(r"\.tmp-([0-9a-f]{8})\.([0-9a-f]+)\.([0-9a-f]+)\.[0-9a-f]+-(.+)", re.DOTALL)
# A temporary file of another machine, or without its writer's name; after so long nobody writes it.
_LEFT_SECONDS = 3600.0
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


class Sight(NamedTuple):
    """What was at a path; a file that has been changed since, or another in its place, is another sight."""

    device: int
    inode: int
    mode: int
    size: int
    changed: int


Seen = Sight | None | Literal["anything"]


def sight(path: Path) -> Sight | None:
    """What is at ``path`` now, a link as such; None if there is nothing. Raises OSError if that cannot be told."""
    try:
        facts = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Sight(facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns)


@contextmanager
def swapping(path: Path, seen: Seen = "anything") -> Iterator[Path]:
    """A temporary path beside ``path``, to write a file or make a folder at; it then takes the name.

    It ends like ``path``, because encoders choose their format by the suffix. When the block or the
    rename fails, what was written is removed and what was at ``path`` stays.

    Args:
        seen: what a command saw at ``path`` when it began, None for nothing: anything else is not replaced.

    Raises:
        FileExistsError: something else than ``seen`` is there by now.
        OSError: from writing, syncing or renaming.
    """
    if seen != "anything":
        _remove_abandoned(path)
    temporary = path.with_name(_temporary_name(path.name))
    try:
        yield temporary
        for file in sorted(temporary.iterdir()) if temporary.is_dir() else [temporary]:
            sync(file)
        if seen is None:
            _place(temporary, path)
        elif seen != "anything" and sight(path) != seen:
            raise _taken(path)
        elif path.is_dir() and not path.is_symlink():
            _swap_folder(temporary, path, seen)
        else:
            os.replace(temporary, path)
        sync(path.parent)
    except BaseException:
        remove(temporary, ignore_errors=True)
        raise


def abandoned(path: Path) -> bool:
    """Whether nobody writes the temporary file or folder ``path`` any more."""
    match = _TEMPORARY.fullmatch(path.name)
    if match and match[1] == processes.machine():
        return not processes.alive(int(match[2], 16), int(match[3], 16))
    try:
        return time.time() - path.lstat().st_mtime > _LEFT_SECONDS
    except FileNotFoundError:
        return False


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


def remove(path: Path, ignore_errors: bool = False) -> None:
    """Delete a file, a folder with all in it, or a link, but never what a link leads to; nothing there is no error."""
    try:
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path, ignore_errors=ignore_errors)
        else:
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        pass
    except OSError:
        if not ignore_errors:
            raise


def _temporary_name(name: str) -> str:
    writer = f"{processes.machine()}.{os.getpid():x}.{processes.mine():x}"
    return f"{TEMPORARY_PREFIX}{writer}.{secrets.token_hex(2)}-{name}"


def _remove_abandoned(path: Path) -> None:
    """Removes what writers of ``path`` that were killed left beside it."""
    for other in path.parent.iterdir() if path.parent.is_dir() else ():
        match = _TEMPORARY.fullmatch(other.name)
        if match and match[4] == path.name and abandoned(other):
            remove(other, ignore_errors=True)


def _place(new: Path, path: Path) -> None:
    """Gives a file or folder the name ``path``, which nothing else may have."""
    if new.is_dir():
        try:
            os.rename(new, path)  # onto nothing, or an empty folder
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.ENOTDIR, errno.EEXIST):
                raise
            raise _taken(path) from error
        return
    try:
        try:
            os.link(new, path)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))  # the name is ours, then the content
            os.replace(new, path)
        else:
            new.unlink()
    except FileExistsError as error:
        raise _taken(path) from error


def _swap_folder(new: Path, path: Path, seen: Seen) -> None:
    """A folder cannot be renamed over a full one, so the old one steps aside first."""
    old = new.with_name(f"{new.name}.old")
    os.rename(path, old)
    try:
        if seen != "anything" and sight(old) != seen:
            raise _taken(path)
        os.rename(new, path)
    except OSError:
        os.rename(old, path)
        raise
    remove(old)


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "it was made or changed by another process meanwhile", str(path))
