"""manifest.json: what a finished run holds, each file with its checksum; written last."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Callable

from vp2p.errors import ArtifactError, UsageError
from vp2p.workspace import parents
from vp2p.workspace.identity import file_digest
from vp2p.workspace.names import file_in

FORMAT = 2
NAME = "manifest.json"
_TYPES = {
    "stage": str,
    "identity": str,
    "name": str,
    "parents": dict,
    "settings": dict,
    "created": str,
    "vp2p": str,
    "artifacts": dict,
}


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """``record`` with a checksum of all its values, by which any change of them is noticed."""
    return {**record, "checksum": _checksum(record)}


def _checksum(record: dict[str, Any]) -> str:
    values = {key: value for key, value in record.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("ascii")).hexdigest()


def read_manifest(folder: Path, rebuild: str) -> dict[str, Any]:
    """The manifest of the run folder ``folder``, in the format of now whichever it was written in.

    Args:
        folder: of a finished run.
        rebuild: how the run is made anew, shown as the hint.

    Raises:
        ArtifactError: it is missing, damaged, or of a newer format.
    """
    path = folder / NAME
    try:
        manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing: the run is not finished.", rebuild) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild) from error
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild) from error
    if not isinstance(manifest, dict) or type(manifest.get("format")) is not int:
        raise ArtifactError(f"{path} is damaged: it has no format.", rebuild)
    if manifest["format"] > FORMAT:
        raise ArtifactError(
            f"{path} has format {manifest['format']}, but this vp2p reads up to {FORMAT}.",
            "pip install --upgrade vp2p",
        )
    if manifest["format"] != 1 and manifest.pop("checksum", None) != _checksum(manifest):
        raise ArtifactError(f"{path} is damaged: its checksum differs from its contents.", rebuild)
    for key, kind in _TYPES.items():
        if not isinstance(manifest.get(key), kind):
            raise ArtifactError(f"{path} is damaged: {key} is {manifest.get(key)!r}.", rebuild)
    for name, record in manifest["artifacts"].items():
        _check_record(folder, name, record, rebuild)
    if manifest["format"] == 1:
        manifest |= {"format": FORMAT, "parents": parents.of_format_1(folder, manifest["parents"])}
    try:
        parents.from_record(manifest["parents"])
    except ValueError as error:
        raise ArtifactError(f"{path} is damaged: {error}.", rebuild) from error
    return manifest


def _check_record(folder: Path, name: str, record: Any, rebuild: str) -> None:
    try:
        file_in(folder, name)
    except UsageError as error:
        raise ArtifactError(f"{folder / NAME} is damaged: {error.cause}", rebuild) from error
    whole = isinstance(record, dict) and isinstance(record.get("sha256"), str) and type(record.get("bytes")) is int
    if not whole:
        raise ArtifactError(f"{folder / NAME} is damaged: the record of {name} is {record!r}.", rebuild)


def verify_artifact(
    path: Path, record: dict[str, Any], rebuild: str, on_bytes: Callable[[int], None] | None = None
) -> None:
    """Compare a file with its record in the manifest; ``on_bytes`` is told how many more were read.

    Raises:
        ArtifactError: the file is missing, unreadable, or differs in size or checksum.
    """
    try:
        size = path.stat().st_size
        if size != record["bytes"]:
            raise ArtifactError(f"{path} is damaged: it has {size} bytes, not {record['bytes']}.", rebuild)
        if file_digest(path, on_bytes) != record["sha256"]:
            raise ArtifactError(f"{path} is damaged: its checksum differs from the recorded one.", rebuild)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing.", rebuild) from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.", rebuild) from error
