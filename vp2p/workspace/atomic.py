"""Writing into a workspace: whole or not at all, and a clear word where the disk refuses."""

from __future__ import annotations

import errno
import json
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

import yaml

from vp2p.atomic import TEMPORARY_PREFIX, make_folder, swapping
from vp2p.errors import ArtifactError

# Line breaks that the YAML writer leaves bare, and the reader then folds to spaces.
_RARE_BREAKS = "\x85\u2028\u2029"
_KEPT = "then the same command again: what is finished is kept"
_FULL = ("the disk is full", f"free some space, {_KEPT}")
_DENIED = ("permission denied", f"give yourself write permission there, {_KEPT}")
_REASONS = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: ("your disk quota is used up", f"free some space, {_KEPT}"),
    errno.EFBIG: ("the file would exceed the size limit", f"raise the file size limit (ulimit -f), {_KEPT}"),
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.EROFS: ("the file system is read-only", f"make it writable or move the workspace, {_KEPT}"),
    errno.EIO: ("the disk reports an input/output error", f"check the disk or move the workspace, {_KEPT}"),
}


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure of the disk while ``path`` is written into a message the user can act on.

    Raises:
        ArtifactError: no space, quota, size limit, no permission, read-only or failing disk. Any
            other OSError passes unchanged.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REASONS:
            raise
        reason, hint = _REASONS[error.errno]
        raise ArtifactError(f"Cannot write {path}: {reason}.", hint) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file or folder that takes the place of ``path``; see :func:`vp2p.atomic.swapping`.

    The folder that holds ``path`` is made if it is missing.

    Raises:
        ArtifactError: the disk refuses (see :func:`writing`).
    """
    path = Path(path)
    with writing(path):
        make_folder(path.parent)
        with swapping(path) as temporary:
            yield temporary


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files and folders that a kill left under ``folder``.

    Only the one writer of the folder may call this.
    """
    for leftover in list(folder.rglob(f"{TEMPORARY_PREFIX}*")):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``. Raises ArtifactError when the disk refuses."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace ``path`` by UTF-8 ``text``. Raises ArtifactError when the disk refuses."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by readable JSON, keys in the order given. Raises ArtifactError when the disk refuses."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_yaml(path: Path, value: Any) -> None:
    """Replace ``path`` by YAML of plain values, keys in the order given.

    Raises:
        ArtifactError: the disk refuses.
        yaml.representer.RepresenterError: ``value`` holds more than plain values.
    """
    write_text(path, yaml_text(value))


def yaml_text(value: Any) -> str:
    """YAML of plain values, keys in the order given."""
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    if any(character in text for character in _RARE_BREAKS):
        text = yaml.safe_dump(value, sort_keys=False, width=100)
    return text
