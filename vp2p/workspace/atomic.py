"""Writing into a workspace: whole or not at all, and a clear word where the disk refuses."""

from __future__ import annotations

import json
import shlex
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, Sequence

import yaml

from vp2p.atomic import TEMPORARY_PREFIX, Seen, abandoned, make_folder, remove, swapping
from vp2p.errors import ArtifactError, disk_refusal

# Line breaks that the YAML writer leaves bare, and the reader then folds to spaces.
_RARE_BREAKS = "\x85\u2028\u2029"
_KEPT = "then the same command again: what is finished is kept"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure of the disk while ``path`` is written into a message the user can act on.

    Raises:
        ArtifactError: no space, no permission, too many open files and so on (see :func:`vp2p.errors.disk_refusal`);
            or what was to be written was made or changed by another process meanwhile. Any other OSError
            passes unchanged.
    """
    try:
        yield
    except OSError as error:
        refusal = disk_refusal(error)
        if refusal is None:
            raise
        reason, hint = refusal
        raise ArtifactError(f"Cannot write {path}: {reason}.", f"{hint}, {_KEPT}") from error


def check_unlinked(*paths: Path) -> None:
    """Raises ArtifactError if one of the paths is a link: what lies behind it is not the workspace's to change."""
    for path in paths:
        if path.is_symlink():
            raise ArtifactError(
                f"{path} is a link; what it leads to is left alone.",
                f"rm {shlex.quote(str(path))}   (removes the link alone), then the same command again",
            )


@contextmanager
def replacing(path: Path, seen: Seen = "anything") -> Iterator[Path]:
    """A temporary file or folder that takes the place of ``path``; see :func:`vp2p.atomic.swapping`.

    The folder that holds ``path`` is made if it is missing.

    Raises:
        ArtifactError: the disk refuses (see :func:`writing`), or something else than ``seen`` is there by now.
    """
    path = Path(path)
    with writing(path):
        make_folder(path.parent)
        with swapping(path, seen) as temporary:
            yield temporary


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary files and folders that a kill left under ``folder``.

    Only the one writer of the folder may call this.
    """
    for leftover in list(folder.rglob(f"{TEMPORARY_PREFIX}*")):
        remove(leftover)


def remove_abandoned(folder: Path) -> None:
    """Delete those temporary files and folders in ``folder`` itself whose writers are dead."""
    for path in list(folder.glob(f"{TEMPORARY_PREFIX}*")):
        if abandoned(path):
            remove(path)


def write_bytes(path: Path, data: bytes | Sequence[bytes | memoryview], seen: Seen = "anything") -> None:
    """Replace ``path`` by ``data``, or by parts of it one after the other.

    Raises ArtifactError when the disk refuses; see :func:`replacing`.
    """
    with replacing(path, seen) as temporary:
        with open(temporary, "wb") as file:
            file.writelines([data] if isinstance(data, bytes) else data)


def write_text(path: Path, text: str, seen: Seen = "anything") -> None:
    """Replace ``path`` by UTF-8 ``text``. Raises ArtifactError when the disk refuses; see :func:`replacing`."""
    write_bytes(path, text.encode("utf-8"), seen)


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
