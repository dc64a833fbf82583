"""Which runs a run is made from, by stage: names and identities, read from records of any format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple

import yaml

if TYPE_CHECKING:
    from vp2p.workspace.runs import RunFolder

_FROM = {"invert": "tune", "edit": "invert"}


class Parent(NamedTuple):
    """A run that another is made from. ``identity`` is None where an old record did not keep it and the run is gone."""

    name: str
    identity: str | None


def to_record(parents: Mapping[str, RunFolder]) -> dict[str, Any]:
    """What a record keeps of the runs that a run is made from, by stage."""
    return {stage: {"name": run.name, "identity": run.identity or None} for stage, run in parents.items()}


def from_record(record: Any) -> dict[str, Parent]:
    """What :func:`to_record` gave. Raises ValueError if it is of another shape."""
    try:
        parents = {stage: Parent(**parent) for stage, parent in record.items()}
    except (AttributeError, TypeError) as error:
        raise ValueError("parents are no names and identities") from error
    if not all(isinstance(name, str) and isinstance(known, (str, type(None))) for name, known in parents.values()):
        raise ValueError("parents are no names and identities")
    return parents


def of_format_1(folder: Path, names: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a manifest of format 1, which held names alone; the identities are the runs' own."""
    root = folder.parent.parent
    return {stage: {"name": name, "identity": _identity(root / stage / str(name))} for stage, name in names.items()}


def of_unfinished(folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """The record that a settings.yaml holds; one from before it held any names the run that it goes on from."""
    if "parents" in values:
        return values["parents"]
    stage, name = _FROM.get(values["stage"]), values["settings"].get("from")
    return of_format_1(folder, {stage: name}) if stage and isinstance(name, str) else {}


def _identity(folder: Path) -> str | None:
    """The identity of the run in ``folder``, from whichever of its records can be read."""
    for name, read in (("manifest.json", json.loads), ("settings.yaml", yaml.safe_load)):
        try:
            return str(read((folder / name).read_bytes())["identity"])
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError, RecursionError):
            continue
    return None
