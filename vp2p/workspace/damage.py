"""What is wrong with the files of a finished run: each compared with its record in the manifest."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

from vp2p.errors import ArtifactError
from vp2p.workspace import manifest, run_settings
from vp2p.workspace.identity import file_digest
from vp2p.workspace.layout import MANIFEST, SETTINGS
from vp2p.workspace.manifest import Hint
from vp2p.workspace.names import file_in
from vp2p.workspace.record import Record

OnBytes = Callable[[int], None]


def check_file(path: Path, record: Mapping[str, Any], redo: Hint, on_bytes: OnBytes | None = None) -> None:
    """Compare a file with its record in the manifest; ``on_bytes`` is told how many more bytes were read.

    Raises:
        ArtifactError: the file is missing, a link, unreadable, or differs in size or checksum; ``redo`` gives the hint.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise ArtifactError(f"{path} is damaged: it is a link, not a file.", redo())
        if not stat.S_ISREG(status.st_mode):
            raise ArtifactError(f"{path} is damaged: it is no file.", redo())
        if status.st_size != record["bytes"]:
            raise ArtifactError(f"{path} is damaged: it has {status.st_size} bytes, not {record['bytes']}.", redo())
        if file_digest(path, on_bytes) != record["sha256"]:
            raise ArtifactError(f"{path} is damaged: its checksum differs from the recorded one.", redo())
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing.", redo()) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", redo()) from error


def damage(folder: Path, redo: Hint, on_bytes: OnBytes | None = None, records: bool = False) -> Iterator[ArtifactError]:
    """What is wrong with the files in the folder of a finished run, each as the error to raise for it.

    Args:
        redo: gives the hint.
        on_bytes: is told how many more bytes were read.
        records: look at settings.yaml and the log, too, which no result is made from.
    """
    try:
        found = manifest.read(folder, redo)
    except ArtifactError as error:
        yield error
        return
    for name, record in {**found.artifacts, **(found.records if records else {})}.items():
        try:
            check_file(file_in(folder, name), record, redo, on_bytes)
        except ArtifactError as error:
            yield error
    if records and not found.records:  # of an older format, which kept no checksum of it
        yield from _contradictions(folder, found, redo)
    elif records and _is_of_another_run(folder, found):
        cause = f"{folder / MANIFEST} is damaged: it is of another run than settings.yaml."
        yield ArtifactError(cause, redo())


def _is_of_another_run(folder: Path, found: Record) -> bool:
    """Whether settings.yaml, which can be read, is of another run than the manifest."""
    try:
        return run_settings.read(folder).identity != found.identity
    except ArtifactError:
        return False


def _contradictions(folder: Path, found: Record, redo: Hint) -> Iterator[ArtifactError]:
    """Where settings.yaml says something else than the manifest."""
    try:
        said = run_settings.read(folder)
    except ArtifactError as error:
        yield ArtifactError(error.cause, redo())
        return
    for name in ("identity", "created", "settings"):
        if getattr(said, name) != getattr(found, name):
            cause = f"{folder / SETTINGS} is damaged: its {name} differ from the manifest's."
            yield ArtifactError(cause, redo())
