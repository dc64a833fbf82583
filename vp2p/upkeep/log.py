"""``vp2p log``: the runs of a workspace as a tree, each under the run that it is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

from vp2p.errors import ArtifactError
from vp2p.stages.differences import differing, flat
from vp2p.upkeep.sizes import size_of
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.lock import holder, how_to_break
from vp2p.workspace.tags import Tag, names_of


@dataclass(frozen=True)
class Entry:
    """One run and those made from it.

    ``state`` is ``finished``, ``interrupted``, ``being written``, ``damaged``, or ``gone`` of a run
    that others are made from and that is not there; ``told`` says more of it. ``differs`` are the
    settings in which the runs under the same parent do not agree. ``bytes`` is the size on disk.
    """

    stage: str
    name: str
    identity: str
    state: str
    told: str
    created: str
    bytes: int
    tags: tuple[str, ...]
    settings: Mapping[str, Any]
    differs: Mapping[str, Any]
    made: tuple[Entry, ...] = ()

    @property
    def key(self) -> str:
        """``stage/name``."""
        return f"{self.stage}/{self.name}"


def history(workspace: Workspace, run: RunFolder | None = None) -> tuple[Entry, ...]:
    """The runs that are made from no other, with all that is made from them, in order of creation.

    Args:
        run: leave only this run, those that it is made from, and those made from it.
    """
    runs, tags = workspace.all_runs(), workspace.tags.all()
    entries = {one.key: _entry(one, tags) for one in runs}
    above = {one.key: one.parent_key() for one in runs}
    for key in above.values():
        if key is not None and key not in entries:
            stage, _, name = key.partition("/")
            entries[key] = Entry(stage, name, "", "gone", "it is not there any more", "", 0, (), {}, {})
    roots = _under(None, entries, above)
    return roots if run is None else _branch(roots, run.key)


def _entry(run: RunFolder, tags: Sequence[Tag]) -> Entry:
    try:
        finished = run.finished
        record = run.record()
    except ArtifactError as error:
        state, told, created = "damaged", error.cause, ""
        settings: Mapping[str, Any] = {}
    else:
        created, settings = record.created, record.settings
        writer = None if finished else holder(run.folder)
        if finished:
            state, told = "finished", ""
        elif writer is not None:
            state, told = "being written", f"by {writer} since {writer.since}"
            broken = how_to_break(run.folder, writer)
            told += f"; {broken}" if broken else ""
        else:
            state, told = "interrupted", f"at step {run.step}"
    return Entry(
        run.stage,
        run.name,
        run.identity,
        state,
        told,
        created,
        size_of(run.folder),
        names_of(tags, run),
        settings,
        {},
    )


def _under(parent: str | None, entries: Mapping[str, Entry], above: Mapping[str, str | None]) -> tuple[Entry, ...]:
    """The entries whose parent has the key ``parent``, with what differs between those of one stage."""
    keys = [key for key in entries if above.get(key) == parent]
    families: dict[str, dict[str, Mapping[str, Any]]] = {}
    for key in keys:
        families.setdefault(entries[key].stage, {})[key] = flat(entries[key].settings)
    names = {stage: differing(list(family.values())) for stage, family in families.items()}
    found = []
    for key in sorted(keys, key=lambda key: entries[key].created):
        entry = entries[key]
        differs = {name: families[entry.stage][key].get(name) for name in names[entry.stage]}
        found.append(replace(entry, differs=differs, made=_under(key, entries, above)))
    return tuple(found)


def _branch(entries: Sequence[Entry], key: str) -> tuple[Entry, ...]:
    """The entry with this key and all under it, below those above it alone."""
    for entry in entries:
        if entry.key == key:
            return (entry,)
        made = _branch(entry.made, key)
        if made:
            return (replace(entry, made=made),)
    return ()
