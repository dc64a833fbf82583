"""The record of a run, validated, from whichever file is its truth.

A finished run's truth is its sealed manifest; an unfinished one's is its settings.yaml, which has a seal, too.
What stands in a record may have been written by anybody, so nothing is believed before it is checked.
"""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.errors import UsageError
from vp2p.plain import PlainError, read_json, read_yaml
from vp2p.text import shorten
from vp2p.workspace import parents
from vp2p.workspace.names import file_in
from vp2p.workspace.parents import IDENTITY, STAGES, Parent
from vp2p.workspace.recorded import check_settings

MANIFEST = "manifest.json"
SETTINGS = "settings.yaml"
FORMAT = 3
_HEAD = ("stage", "identity", "created", "parents", "settings")
_OF_MANIFEST = {*_HEAD, "format", "name", "vp2p", "artifacts", "records", "checksum"}
_OF_SETTINGS = {*_HEAD, "format", "finished", "checksum"}
SETTINGS_FORMAT = 2


class DamagedError(ValueError):
    """A record that cannot be believed; ``newer`` where a newer vp2p wrote it."""

    def __init__(self, reason: str, newer: bool = False) -> None:
        super().__init__(reason)
        self.newer = newer


@dataclass(frozen=True)
class Record:
    """What is known of a run.

    ``artifacts`` and ``records`` are the files of a finished run with ``sha256`` and ``bytes``: its results,
    and what else it was made with. ``finished`` of an unfinished run says that only its manifest is missing.
    """

    stage: str
    identity: str
    created: str
    parents: Mapping[str, Parent]
    settings: Mapping[str, Any]
    artifacts: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Mapping[str, Any]]
    finished: bool


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with a checksum of them all, by which any change of them is noticed."""
    return {**values, "checksum": checksum(values)}


def checksum(values: Mapping[str, Any]) -> str:
    """SHA-256 of plain values without their own ``checksum``, 64 hex digits."""
    rest = {key: value for key, value in values.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode("ascii")).hexdigest()


def read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises OSError; DamagedError for a link or a folder in its place."""
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise DamagedError("it is a link, not a file" if stat.S_ISLNK(mode) else "it is no file")
    return path.read_bytes()


def read_manifest(folder: Path) -> Record:
    """The record in manifest.json. Raises OSError if it cannot be read, DamagedError if it cannot be believed."""
    try:
        values = read_json(read_file(folder / MANIFEST))
    except PlainError as error:
        raise DamagedError(error.reason) from error
    if not isinstance(values, dict) or type(values.get("format")) is not int:
        raise DamagedError("it has no format")
    format = values["format"]
    if format > FORMAT:
        raise DamagedError(f"it has format {format}, but this vp2p reads up to {FORMAT}", newer=True)
    if format != 1 and values.get("checksum") != checksum(values):
        raise DamagedError("its checksum differs from its contents")
    if unknown := set(values) - _OF_MANIFEST:
        raise DamagedError(f"it holds an unknown {shorten(min(unknown))}")
    if not isinstance(values.get("name"), str) or not isinstance(values.get("vp2p"), str):
        raise DamagedError("it lacks a name or a version")
    artifacts, records = _files(folder, values, "artifacts"), _files(folder, values, "records")
    return _record(folder, values, artifacts, records, of_manifest=True)


def read_settings(folder: Path) -> Record:
    """The record in settings.yaml; errors as for :func:`read_manifest`."""
    try:
        values = read_yaml(read_file(folder / SETTINGS))
    except PlainError as error:
        raise DamagedError(f"it is not valid YAML: {error.reason}") from error
    if not isinstance(values, dict):
        raise DamagedError("it holds no mapping")
    if unknown := {str(key) for key in values} - _OF_SETTINGS:
        raise DamagedError(f"it holds an unknown {shorten(min(unknown))}")
    check_seal(values)
    return _record(folder, values, {}, {})


def check_seal(values: Mapping[str, Any]) -> None:
    """Raises DamagedError unless values read from YAML have a right checksum, or are from before there was one.

    The format stands first and the checksum last, so a file that was cut has the one without the other.
    """
    format = values.get("format")
    if format is None and "checksum" not in values:
        return
    if type(format) is int and format > SETTINGS_FORMAT:
        raise DamagedError(f"it has format {format}, but this vp2p reads up to {SETTINGS_FORMAT}", newer=True)
    if format != SETTINGS_FORMAT or values.get("checksum") != _checksum_of_yaml(values):
        raise DamagedError("its checksum differs from its contents")


def _checksum_of_yaml(values: Mapping[str, Any]) -> str | None:
    try:
        return checksum(values)
    except (TypeError, ValueError):  # a date, say, that no record holds
        return None


def _record(folder: Path, values: Mapping[str, Any], artifacts: Any, records: Any, of_manifest: bool = False) -> Record:
    stage, identity, created = values.get("stage"), values.get("identity"), values.get("created")
    if stage not in STAGES or stage != folder.parent.name:
        raise DamagedError(f"it is of the stage {shorten(stage)}")
    if not isinstance(identity, str) or not IDENTITY.fullmatch(identity):
        raise DamagedError(f"its identity is {shorten(identity)}")
    if not isinstance(created, str) or not _is_time(created):
        raise DamagedError(f"it was created at {shorten(created)}")
    try:
        check_settings(stage, values.get("settings"))
        found = _identities(folder)
        if of_manifest and values["format"] == 1:
            above = parents.of_names(values.get("parents"), found)
        else:
            above = values.get("parents") if of_manifest else parents.of_unfinished(values, found)
        known = parents.from_record(above, stage)
    except ValueError as error:
        raise DamagedError(str(error)) from error
    finished = of_manifest or values.get("finished") is True
    return Record(stage, identity, created, known, values["settings"], artifacts, records, finished)


def _files(folder: Path, values: Mapping[str, Any], key: str) -> Mapping[str, Mapping[str, Any]]:
    """The list of files under a key of a manifest, checked."""
    files = values.get(key, {} if key == "records" else None)
    if not isinstance(files, dict):
        raise DamagedError(f"its {key} are {shorten(files)}")
    for name, record in files.items():
        try:
            file_in(folder, name)
        except UsageError as error:
            raise DamagedError(f"{shorten(name)} is no file of a run") from error
        whole = isinstance(record, dict) and isinstance(record.get("sha256"), str) and type(record.get("bytes")) is int
        if not whole:
            raise DamagedError(f"the record of {shorten(name)} is {shorten(record)}")
    return files


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _identities(folder: Path) -> Callable[[str, str], str | None]:
    """Looks up the identity of a run beside the one in ``folder``, from whichever of its records can be read."""

    def identity(stage: str, name: str) -> str | None:
        for file, read in ((MANIFEST, read_json), (SETTINGS, read_yaml)):
            try:
                found = read(read_file(folder.parent.parent / stage / name / file))["identity"]
                return found if IDENTITY.fullmatch(found) else None
            except (OSError, ValueError, KeyError, TypeError):
                continue
        return None

    return identity
