"""manifest.json: what a finished run holds, each file with its checksum; written last."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.errors import ArtifactError
from vp2p.workspace.identity import file_digest
from vp2p.workspace.record import MANIFEST, DamagedError, Record, read_manifest

NAME = MANIFEST
Rebuild = Callable[[], str]


def read(folder: Path, rebuild: Rebuild) -> Record:
    """The record in the manifest of the run folder ``folder``, whichever format it was written in.

    Args:
        folder: of a finished run.
        rebuild: gives the command that redoes the run, shown as the hint.

    Raises:
        ArtifactError: it is missing, damaged, or of a newer format.
    """
    path = folder / NAME
    try:
        return read_manifest(folder)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: the run is not finished.", rebuild()) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild()) from error
    except DamagedError as error:
        if error.newer:
            raise ArtifactError(f"{path}: {error}.", "pip install --upgrade vp2p") from error
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild()) from error


def verify_artifact(
    path: Path, record: Mapping[str, Any], rebuild: Rebuild, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Compare a file with its record in the manifest; ``on_bytes`` is told how many more were read.

    Raises:
        ArtifactError: the file is missing, a link, unreadable, or differs in size or checksum.
    """
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise ArtifactError(f"{path} is damaged: it is a link, not a file.", rebuild())
        if not stat.S_ISREG(status.st_mode):
            raise ArtifactError(f"{path} is damaged: it is no file.", rebuild())
        if status.st_size != record["bytes"]:
            raise ArtifactError(f"{path} is damaged: it has {status.st_size} bytes, not {record['bytes']}.", rebuild())
        if file_digest(path, on_bytes) != record["sha256"]:
            raise ArtifactError(f"{path} is damaged: its checksum differs from the recorded one.", rebuild())
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing.", rebuild()) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild()) from error
