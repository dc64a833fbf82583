"""The record of a run, validated, from whichever file is its truth.

A finished run's truth is its sealed manifest; an unfinished one's is its settings.yaml, which has a seal, too.
What stands in a record may have been written by anybody, so nothing is believed before it is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.errors import UsageError
from vp2p.plain import PlainError, read_json, read_yaml
from vp2p.text import shorten
from vp2p.workspace import parents
from vp2p.workspace.layout import MANIFEST, SETTINGS, STAGES
from vp2p.workspace.names import file_in
from vp2p.workspace.parents import IDENTITY, Parent
from vp2p.workspace.seal import DamagedError, check_seal, checksum, read_file
from vp2p.workspace.settings_types import check_settings

FORMAT = 3
_HEAD = ("stage", "identity", "created", "parents", "settings")
_OF_MANIFEST = {*_HEAD, "format", "name", "vp2p", "artifacts", "records", "checksum"}
_OF_SETTINGS = {*_HEAD, "format", "finished", "checksum"}


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
            above: Any = parents.of_names(values.get("parents"), found)
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
