"""The making of a workspace folder: complete at once, or not at all."""

from __future__ import annotations

import errno
import secrets
import shutil
from pathlib import Path

from vp2p.atomic import sync
from vp2p.errors import UsageError
from vp2p.workspace.atomic import writing
from vp2p.workspace.config import NAME, WorkspaceConfig, write_config

_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_NO_NAME = (errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.EILSEQ)


def create_folder(folder: Path, config: WorkspaceConfig) -> None:
    """Make the folder ``folder`` with a vp2p.yaml in it; folders above it are made too.

    Raises:
        UsageError: the folder exists and is not empty, or its name cannot be one.
        ArtifactError: the disk refuses.
    """
    if "\0" in str(folder):
        raise UsageError(f"{str(folder)!r} cannot be a folder: it holds a null character.", "give another name")
    with writing(folder):
        try:
            _make(folder, config)
        except OSError as error:
            if error.errno in _TAKEN:
                what = "is a workspace already" if (folder / NAME).exists() else "exists already"
                raise UsageError(f"{folder} {what}.", "give another name, or another folder with -w") from error
            if error.errno in _NO_NAME:
                raise UsageError(f"{folder} cannot be a folder: {error.strerror}.", "give another name") from error
            raise


def _make(folder: Path, config: WorkspaceConfig) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        # Written in place: a rename would pull an empty current folder from under the user's shell.
        write_config(folder / NAME, config)
        return
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(errno.EEXIST, "exists", str(folder))
    half = folder.with_name(f".{secrets.token_hex(4)}.vp2p-init")
    try:
        half.mkdir()
        write_config(half / NAME, config)
        half.rename(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    sync(folder.parent)
