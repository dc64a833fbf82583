"""``vp2p import``: a workspace from the file that ``vp2p export`` wrote, each of its records checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vp2p.errors import ArtifactError, UsageError
from vp2p.progress import Progress, silent
from vp2p.stages.planned import finished_plan
from vp2p.text import typed
from vp2p.upkeep.unpacking import damaged, unpack
from vp2p.workspace import RunFolder, Workspace, replacing
from vp2p.workspace.create import taken
from vp2p.workspace.layout import STAGES
from vp2p.workspace.tags import read_tag


@dataclass(frozen=True)
class Imported:
    """The new workspace: its folder, how many files and bytes, which runs, and notes for the user."""

    folder: Path
    files: int
    bytes: int
    runs: tuple[str, ...]
    notes: tuple[str, ...]


def import_workspace(file: Path, folder: Path, progress: Progress = silent) -> Imported:
    """Makes the workspace ``folder`` from an exported file; all of it appears at once, or nothing does.

    Raises:
        UsageError: there is no such file, or ``folder`` exists.
        ArtifactError: the file is damaged, of a newer format or no export; or the disk refuses.
    """
    if not file.is_file():
        what = "is a folder: what was exported as one is a workspace already" if file.is_dir() else "is not there"
        raise UsageError(f"{file} {what}.", "give the .tar, .tar.gz or .tgz file that vp2p export wrote")
    folder = folder.absolute()
    if folder.exists() or folder.is_symlink():
        raise taken(folder)
    with replacing(folder, seen=None) as temporary:
        records = unpack(file, temporary, progress)
        workspace = Workspace(temporary)
        try:
            _check(workspace)
        except (UsageError, ArtifactError) as error:
            raise damaged(file, error.cause.replace(str(temporary), str(folder)).rstrip(".")) from error
        runs = tuple(run.key for run in workspace.all_runs())
        notes = _notes(workspace, folder)
    return Imported(folder, len(records), sum(record["bytes"] for record in records.values()), runs, notes)


def _check(workspace: Workspace) -> None:
    """Raises UsageError or ArtifactError for the first record or file that cannot be believed."""
    _ = workspace.config
    for path in workspace.tags.paths():
        read_tag(path)
    for stage in STAGES:
        root = workspace.folder / stage
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            run = RunFolder.at(folder)
            if run.finished:
                finished_plan(workspace, run)
            for error in run.damage(records=True) if run.finished else ():
                raise error


def _notes(workspace: Workspace, folder: Path) -> tuple[str, ...]:
    """What this machine lacks to go on with the workspace."""
    model = workspace.config.model.model
    notes = []
    if Path(model).is_absolute() and not Path(model).is_dir():
        notes.append(f"the model {model} is not here: vp2p -w {typed(str(folder))} config model.model FOLDER")
    if not workspace.video.exists():
        notes.append("the video did not come along: there is no sound, and other frames cannot be taken")
    return tuple(notes)
