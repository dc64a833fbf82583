"""Which runs a run is made from, by stage: names and identities, read from records of any format."""

from __future__ import annotations

import re
from typing import Any, Callable, Mapping, NamedTuple

from vp2p.text import shorten
from vp2p.workspace.layout import STAGES

IDENTITY = re.compile(r"[0-9a-f]{64}")
_FROM = {"invert": "tune", "edit": "invert", "full": "edit"}


class Parent(NamedTuple):
    """A run that another is made from.

    ``identity`` is None where an old record did not keep it and the run is gone.
    """

    name: str
    identity: str | None


def closest(parents: Mapping[str, Parent]) -> str | None:
    """The key, ``stage/name``, of the run that a run is directly made from; None where there is none."""
    stage = max(parents, key=STAGES.index, default=None)
    return None if stage is None else f"{stage}/{parents[stage].name}"


def to_record(parents: Mapping[str, Parent]) -> dict[str, Any]:
    """What a record keeps of the runs that a run is made from, by stage."""
    return {stage: parent._asdict() for stage, parent in parents.items()}


def from_record(record: Any, stage: str) -> dict[str, Parent]:
    """What :func:`to_record` gave for a run of ``stage``.

    Raises:
        ValueError: it is of another shape, or names what no run of that stage is made from: a later stage,
            the run's own, or a path.
    """
    if not isinstance(record, dict):
        raise ValueError("parents are no names and identities")
    parents = {}
    for above, parent in record.items():
        if above not in STAGES or STAGES.index(above) >= STAGES.index(stage):
            raise ValueError(f"a {stage} run is made from no {shorten(above)}")
        if not isinstance(parent, dict) or set(parent) != {"name", "identity"}:
            raise ValueError("parents are no names and identities")
        name, identity = parent["name"], parent["identity"]
        if not isinstance(name, str) or not name or name[0] == "." or re.search(r"[/\\\0]", name):
            raise ValueError(f"its {above} is called {shorten(name)}")
        if identity is not None and not (isinstance(identity, str) and IDENTITY.fullmatch(identity)):
            raise ValueError(f"the identity of its {above} is {shorten(identity)}")
        parents[above] = Parent(name, identity)
    return parents


def of_names(names: Any, identity: Callable[[str, str], str | None]) -> dict[str, Any]:
    """The record of a manifest of format 1, which held names alone; ``identity`` looks up the runs' own."""
    if not isinstance(names, dict):
        raise ValueError("parents are no names")
    return {stage: {"name": name, "identity": identity(str(stage), str(name))} for stage, name in names.items()}


def of_unfinished(values: Mapping[str, Any], identity: Callable[[str, str], str | None]) -> Any:
    """The record that a settings.yaml holds; one from before it held any names the run that it goes on from."""
    if "parents" in values:
        return values["parents"]
    stage, name = _FROM.get(values["stage"]), values["settings"].get("from")
    return of_names({stage: name}, identity) if stage and isinstance(name, str) else {}
