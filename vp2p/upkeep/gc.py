"""``vp2p gc``: what a workspace can do without, and its removal."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Literal, Mapping, Sequence

from vp2p.atomic import TEMPORARY_PREFIX, abandoned
from vp2p.atomic import remove as delete
from vp2p.errors import ArtifactError, UsageError
from vp2p.upkeep.sizes import size_of
from vp2p.workspace import RunFolder, Workspace, lifecycle, run_lock
from vp2p.workspace.atomic import check_unlinked, writing
from vp2p.workspace.layout import MANIFEST, SETTINGS, STAGES
from vp2p.workspace.lock import holder
from vp2p.workspace.tags import Tag, names_of

# What is beside the runs, and may hold what a kill left: evaluations, sheets, and what a page links to.
_SECONDS_OF_ANOTHER = 3.0  # another clean-up at the same time is done in far less
_BESIDE = ("tags", "eval", "show", "report_files")
_INTERRUPTED, _NAMED = "interrupted", "named"


@dataclass(frozen=True)
class Rubbish:
    """One thing that can go; ``bytes`` is its size on disk, ``run`` or ``tag`` what it is or belongs to."""

    kind: Literal["run", "tag", "leftover"]
    name: str
    why: str
    path: Path
    bytes: int
    run: RunFolder | None = None
    tag: Tag | None = None


def rubbish(workspace: Workspace, named: Sequence[RunFolder] = ()) -> tuple[Rubbish, ...]:
    """What can go, in the order in which it goes: a run after all that is made from it.

    Of named runs, that is they and all that is made from them, with their tags. Otherwise it is what
    crashes left, interrupted runs that nothing is made from, runs whose parent is gone, and tags of
    runs that are gone; but never a run that has a tag, that another process writes, or that a run
    which stays is made from.
    """
    runs, tags = workspace.all_runs(), workspace.tags.all()
    above = {run.key: run.parent_key() for run in runs}
    doomed = {run.key: _NAMED for run in named} or {run.key: why for run in runs if (why := _why(run, above))}
    for run in runs:  # stage by stage, so a parent comes before what is made from it
        for parent in (above[run.key], _mask_of(run)):
            if parent in doomed:
                doomed.setdefault(run.key, f"made from {parent}")
    if not named:
        for run in runs:
            linked = run.folder.is_symlink() or run.folder.parent.is_symlink()
            kept = run.key not in doomed or names_of(tags, run) or holder(run.folder) or linked
            if kept:
                doomed.pop(_mask_of(run) or "", None)
            key: str | None = run.key if kept else None
            while key is not None:
                doomed.pop(key, None)
                key = above.get(key)
    going = [run for run in reversed(runs) if run.key in doomed]
    found = [Rubbish("run", run.key, doomed[run.key], run.folder, size_of(run.folder), run) for run in going]
    staying = [run for run in runs if run.key not in doomed]
    for tag in tags:
        goes = any(tag.means(run) for run in going)
        if goes or not named and not any(tag.means(run) for run in staying):
            why = "its run goes" if goes else f"{tag.stage}/{tag.run} is gone"
            found.append(Rubbish("tag", f"tag {tag.name}", why, workspace.tags.folder / tag.name, 0, tag=tag))
    return tuple(found if named else [*found, *_leftovers(workspace, runs, staying)])


def remove(workspace: Workspace, found: Sequence[Rubbish]) -> tuple[Rubbish, ...]:
    """Deletes what :func:`rubbish` found, in that order, and gives what it deleted.

    What another process has changed since, or made something of, stays.

    Raises:
        LockedError: one of the runs is being written; nothing is deleted.
        ArtifactError: one of the folders is a link, and nothing is deleted; or the disk refuses.
    """
    for one in found:
        if one.run is not None:
            check_unlinked(one.run.folder.parent, one.run.folder)
    with ExitStack() as held:
        for folder in dict.fromkeys(one.run.folder for one in found if one.run is not None):
            held.enter_context(run_lock(folder, wait=_SECONDS_OF_ANOTHER))
        going = _unchanged(workspace, found)
        for one in going:
            if one.tag is not None:
                with suppress(UsageError):  # it is gone
                    workspace.tags.delete(one.tag.name, only=one.tag)
            elif one.kind == "run" and one.run is not None:
                _remove_run(one.run, one.why)
            else:
                with writing(one.path):
                    delete(one.path)
    return going


def _unchanged(workspace: Workspace, found: Sequence[Rubbish]) -> tuple[Rubbish, ...]:
    """Those of ``found`` that can still go, now that their runs are locked."""
    runs, tags = workspace.all_runs(), workspace.tags.all()
    now = {run.key: run for run in runs}
    doomed = {one.name: one for one in found if one.kind == "run" and one.run is not None}
    tagged = {one.tag for one in found if one.tag is not None}
    above = {run.key: run.parent_key() for run in runs}
    staying = {key for key in now if key not in doomed}
    for key, one in doomed.items():
        other = key in now and one.run is not None and now[key].identity != one.run.identity
        done = one.why == _INTERRUPTED and key in now and _whole(now[key])
        named = key in now and any(tag not in tagged for tag in tags if tag.means(now[key]))
        if other or done or named:
            staying.add(key)
    for key in tuple(staying):
        while (parent := above.get(key)) is not None and parent not in staying:
            if parent not in now:
                break
            staying.add(parent)
            key = parent
    staying |= {mask for key in staying if (mask := _mask_of(now[key])) in now}
    return tuple(
        one
        for one in found
        if one.name not in staying
        and not (one.tag is not None and f"{one.tag.stage}/{one.tag.run}" in staying)
        and not (one.kind == "leftover" and f"{one.path.parent.name}/{one.path.name}" in now)
    )


def _mask_of(run: RunFolder) -> str | None:
    """The mask run that an edit is made from, beside its inversion; None where there is none, or it cannot be read."""
    try:
        mask = run.parents().get("mask") if run.stage == "edit" else None
    except ArtifactError:
        return None
    return None if mask is None else f"mask/{mask.name}"


def _why(run: RunFolder, above: Mapping[str, str | None]) -> str:
    """Why a run can go although nobody names it; empty if it stays."""
    try:
        if run.lost_its_manifest:  # as verify says; its results are there
            return ""
        if not run.finished:  # being redone, where others are made from it
            return _INTERRUPTED if run.key not in above.values() else ""
    except ArtifactError:
        return ""
    parent = above[run.key]
    # Frames that are gone are read from the video again.
    if parent is None or parent in above or parent.startswith("source/"):
        return ""
    there = os.path.lexists(run.folder.parent.parent / parent)  # damaged
    return "" if there else f"{parent} is gone"


def _remove_run(run: RunFolder, why: str) -> None:
    """Deletes a run, whose lock is held; the one that an interrupted run was to replace comes back."""
    if why == _INTERRUPTED and run.finished:  # since it was found
        return
    if why == _INTERRUPTED:
        lifecycle.take_back(run)
    else:
        lifecycle.discard(run)


def _leftovers(workspace: Workspace, runs: Sequence[RunFolder], staying: Sequence[RunFolder]) -> Iterator[Rubbish]:
    """What processes that were killed left: half-written files, runs set aside, folders without a record."""
    for run in staying:
        if holder(run.folder) or run.folder.is_symlink() or run.folder.parent.is_symlink():
            continue
        left = list(run.folder.rglob(f"{TEMPORARY_PREFIX}*"))
        left += [run.aside] if run.aside.exists() and _whole(run) else []
        for path in left:
            yield _leftover(workspace, path, "left by a process that was killed", run)
    for path in workspace.strangers(runs):
        if path.is_symlink() or path.parent.is_symlink() or _holds_a_record(path):
            continue
        yield _leftover(workspace, path, "does not say what it holds", RunFolder(path, path.parent.name, ""))
    for folder in (workspace.folder, *(workspace.folder / name for name in (*_BESIDE, *STAGES))):
        for path in () if folder.is_symlink() and folder != workspace.folder else folder.glob(f"{TEMPORARY_PREFIX}*"):
            if abandoned(path):
                yield _leftover(workspace, path, "left by a process that was killed")


def _holds_a_record(folder: Path) -> bool:
    """Whether a folder that does not say what it holds may yet be a run, whose records are damaged."""
    return any(os.path.lexists(folder / name) for name in (MANIFEST, SETTINGS))


def _leftover(workspace: Workspace, path: Path, why: str, run: RunFolder | None = None) -> Rubbish:
    return Rubbish("leftover", path.relative_to(workspace.folder).as_posix(), why, path, size_of(path), run)


def _whole(run: RunFolder) -> bool:
    try:
        return run.finished
    except ArtifactError:
        return False
