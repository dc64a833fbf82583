"""``vp2p export``: a workspace, or some of its runs, as one file or as a folder that can be moved anywhere."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from vp2p.errors import ArtifactError, UsageError
from vp2p.progress import Progress, silent
from vp2p.upkeep.packing import SUFFIXES, Content, Records, records_of, size, write_file, write_folder
from vp2p.upkeep.sizes import in_megabytes
from vp2p.workspace import RunFolder, Workspace, replacing, run_lock
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.layout import TAGS
from vp2p.workspace.yaml_edit import with_text

VIDEO = "video"


@dataclass(frozen=True)
class Exported:
    """What was written: where, how many files and bytes, which runs, and notes for the user."""

    path: Path
    files: int
    bytes: int
    runs: tuple[str, ...]
    notes: tuple[str, ...]


def export(
    workspace: Workspace, target: Path, named: Sequence[RunFolder] = (), video: bool = True, progress: Progress = silent
) -> Exported:
    """Writes the workspace, or the named runs and those that they are made from, to ``target``; all or nothing.

    Args:
        target: a ``.tar``, ``.tar.gz`` or ``.tgz`` file, else a folder; it may not exist.
        video: take the video along, and let vp2p.yaml name the copy.

    Raises:
        UsageError: ``target`` exists, or vp2p.yaml is damaged.
        LockedError: an unfinished run is being written.
        ArtifactError: a run is damaged, or the disk refuses.
    """
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} exists already.", "give another name")
    runs = _with_parents(workspace, named) if named else workspace.all_runs()
    taken = video and workspace.video.exists()
    notes = () if taken else ("the video stays behind: without it there is no sound, and other frames cannot be taken",)
    with contextlib.ExitStack() as held:
        for run in runs:
            if not run.finished:
                held.enter_context(run_lock(run.folder))
        contents = dict(_contents(workspace, runs, taken))
        total = sum(map(size, contents.values()))
        records = records_of(contents, in_megabytes(progress, "check", total))
        _check(runs, records)
        with replacing(target, seen=None) as temporary:
            write = write_file if target.name.endswith(SUFFIXES) else write_folder
            write(temporary, contents, records, in_megabytes(progress, "export", total))
    return Exported(target, len(contents), total, tuple(run.key for run in runs), notes)


def _with_parents(workspace: Workspace, named: Sequence[RunFolder]) -> list[RunFolder]:
    """The named runs and all that they are made from, as far as it is there."""
    wanted = {run.key for run in named}
    wanted |= {f"{stage}/{parent.name}" for run in named for stage, parent in run.parents().items()}
    return [run for run in workspace.all_runs() if run.key in wanted]


def _contents(workspace: Workspace, runs: Sequence[RunFolder], video: bool) -> Iterator[tuple[str, Content]]:
    """Everything that is taken along, by its path in a workspace; what a crash may leave is not."""
    config = (workspace.folder / CONFIG).read_text("utf-8")
    if video:
        place = f"{VIDEO}/{workspace.video.resolve().name}"
        config = with_text(config, "video", place)
        yield from _files(workspace.video.resolve(), place)
    yield CONFIG, config.encode("utf-8")
    for tag in workspace.tags.all():
        if any(tag.means(run) for run in runs):
            yield f"{TAGS}/{tag.name}", workspace.tags.folder / tag.name
    for run in runs:
        yield from _files(run.folder, run.key)


def _files(path: Path, place: str) -> Iterator[tuple[str, Path]]:
    """A file, or all files below a folder that are not hidden."""
    if path.is_file():
        yield place, path
        return
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path)
        if file.is_file() and not any(part.startswith(".") for part in inside.parts):
            yield f"{place}/{inside.as_posix()}", file


def _check(runs: Sequence[RunFolder], records: Records) -> None:
    """Raises ArtifactError if an artifact is missing, or not as its run recorded it."""
    for run in runs:
        for name, record in run.manifest().artifacts.items() if run.finished else ():
            found = records.get(f"{run.key}/{name}")
            if found != record:
                what = "is missing" if found is None else "is damaged: its checksum differs from the recorded one"
                raise ArtifactError(f"{run.path(name)} {what}.", run.rebuild)
