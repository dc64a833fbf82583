"""The making of a workspace folder by one process: complete at once, taken back, or taken up after a kill."""

from __future__ import annotations

import errno
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator

from vp2p.atomic import TEMPORARY_PREFIX, make_folder, remove
from vp2p.errors import UsageError
from vp2p.text import typed
from vp2p.workspace.atomic import remove_abandoned, writing, yaml_text
from vp2p.workspace.config import NAME, WorkspaceConfig, config_values, write_config
from vp2p.workspace.lock import lock_path, run_lock

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_NO_NAME = (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EILSEQ)
_INIT = "init"  # the lock in the folder has its name
_FRAMES = "source"  # the folder of what belongs in a workspace from the start


@contextmanager
def making(folder: Path, config: WorkspaceConfig, wait: float = 0.0) -> Iterator[bool]:
    """The folder ``folder`` with a vp2p.yaml, while what belongs in it from the start is put there.

    Folders above it are made too. Gives whether it is new: one that is there already is taken up where
    its vp2p.yaml is that of ``config``, as after a kill. When the block fails, a new one is taken back;
    a folder that was there before stays, empty.

    Args:
        wait: seconds to wait at most for another process that makes it.

    Raises:
        UsageError: the folder holds something else, or its name cannot be one.
        LockedError: another process is making it.
        ArtifactError: the disk refuses.
    """
    with _refusals(folder):
        existed = folder.is_dir()
        make_folder(folder)
    try:
        check_free(folder, config)
        with run_lock(folder / _INIT, wait):
            new = not _is_of(folder, config)
            check_free(folder, config)
            try:
                if new:
                    with writing(folder):
                        remove_abandoned(folder)
                    write_config(folder / NAME, config)
                yield new
            except BaseException:
                if new:
                    _empty(folder)
                raise
    except BaseException:
        if not existed:
            with suppress(OSError):
                folder.rmdir()
        raise


def check_free(folder: Path, config: WorkspaceConfig) -> None:
    """Raises UsageError if ``folder`` is there, neither empty nor a workspace of ``config``, or cannot be a folder."""
    with _refusals(folder):
        if folder.is_symlink() and not folder.exists() or folder.exists() and not folder.is_dir():
            raise taken(folder)
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    left = {name for name in names if name.startswith(TEMPORARY_PREFIX) or name == lock_path(folder / _INIT).name}
    if names - left and not _is_of(folder, config):
        raise taken(folder)


def taken(folder: Path) -> UsageError:
    """Says that no workspace can be made there."""
    what = "is a workspace already" if (folder / NAME).exists() else "exists already"
    return UsageError(f"{folder} {what}.", f"vp2p -w {typed(str(folder))} status, or give another name")


def _is_of(folder: Path, config: WorkspaceConfig) -> bool:
    """Whether the folder's vp2p.yaml is as it was written for ``config``."""
    try:
        return (folder / NAME).read_text("utf-8") == yaml_text(config_values(config))
    except (OSError, ValueError):
        return False


@contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    """Turns what the system says of a folder's name into messages."""
    if "\0" in str(folder):
        raise UsageError(f"{str(folder)!r} cannot be a folder: it holds a null character.", "give another name")
    with writing(folder):
        try:
            yield
        except OSError as error:
            if error.errno in _TAKEN:
                raise taken(folder) from error
            if error.errno in _NO_NAME:
                raise UsageError(f"{folder} cannot be a folder: {error.strerror}.", "give another name") from error
            raise


def _empty(folder: Path) -> None:
    """Takes back what was put into a workspace, and nothing else; its vp2p.yaml goes last, as it can be taken up."""
    for name in (_FRAMES, NAME):
        remove(folder / name, ignore_errors=True)
