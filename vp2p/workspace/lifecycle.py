"""The life of a run folder, for its one writer: begun, resumed, finished, cleared; or set aside while it is redone.

Whoever calls these holds ``run_lock(run.folder)``, and calls :func:`begin`, :func:`resume`, as it goes
:meth:`RunFolder.append_log` and :meth:`RunFolder.save_checkpoint`, and :func:`finish`.
"""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.atomic import make_folder, remove, sync
from vp2p.errors import ArtifactError
from vp2p.workspace import log, manifest, run_settings
from vp2p.workspace.atomic import check_unlinked, remove_leftovers, writing
from vp2p.workspace.identity import file_digest
from vp2p.workspace.layout import CHECKPOINT, LOG, MANIFEST, SETTINGS
from vp2p.workspace.parents import Parent, to_record
from vp2p.workspace.runs import RunFolder

if TYPE_CHECKING:
    from torch import Tensor


def begin(run: RunFolder, settings: Mapping[str, Any], parents: Mapping[str, RunFolder] | None = None) -> None:
    """Make the folder, with settings.yaml in it, or take it up again.

    Args:
        settings: plain values.
        parents: the runs that this one is made from, by stage.

    Raises:
        ArtifactError: the folder holds a finished run or one of another identity, its
            settings.yaml is damaged, or the disk refuses.
    """
    created = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    check_run_unlinked(run)
    if run.has_manifest:
        raise ArtifactError(f"{run.folder} holds a finished run.", run.rebuild)
    if (run.folder / SETTINGS).exists():
        known = run_settings.read(run.folder)
        if known.identity != run.identity:
            raise ArtifactError(f"{run.folder} holds an unfinished run with other settings.", run.rebuild)
        created = known.created
    with writing(run.folder):
        make_folder(run.folder)
        remove_leftovers(run.folder)
    run_settings.write(run.folder, _head(run, created, parents or {}), settings)
    with writing(run.folder):
        # Also where a run that was killed had made them.
        sync(run.folder.parent)
        sync(run.folder.parent.parent)


def resume(run: RunFolder) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest whole checkpoint as (tensors on the CPU, meta), or None to start at step 0.

    Cuts the log back to the step the run goes on from, so that in the end it equals the log of
    an unbroken run.
    """
    found = run.load_checkpoint()
    log.truncate_log(run.folder / LOG, found[1]["step"] if found else 0)
    return found


def finish(run: RunFolder, settings: Mapping[str, Any], parents: Mapping[str, RunFolder] | None = None) -> None:
    """Record every artifact's checksum, write the manifest last, and drop the checkpoint.

    Args:
        settings: the resolved settings, plain values.
        parents: the runs this one was made from, by stage.

    Raises:
        ArtifactError: the disk refuses, or settings.yaml is damaged.
    """
    log.sync_log(run.folder / LOG)
    head = _head(run, run_settings.read(run.folder).created, parents or {})
    with writing(run.folder):
        remove_leftovers(run.folder)
    run_settings.write(run.folder, head, settings, finished=True)
    with writing(run.folder):
        artifacts = {}
        folders = {run.folder}
        for path in _artifacts(run.folder):
            sync(path)
            folders.add(path.parent)
            artifacts[path.relative_to(run.folder).as_posix()] = _fingerprint(path)
        for folder in folders:
            sync(folder)
        records = {name: _fingerprint(run.folder / name) for name in (SETTINGS, LOG) if (run.folder / name).exists()}
    manifest.write(run.folder, head, settings, artifacts, records)
    tidy(run)


def tidy(run: RunFolder) -> None:
    """Drop what a finished run needs no more: its checkpoint, and the run that it was made in place of."""
    shutil.rmtree(run.folder / CHECKPOINT, ignore_errors=True)
    shutil.rmtree(run.aside, ignore_errors=True)


def set_aside(run: RunFolder) -> None:
    """Put the run away until the new one is finished; of one made in place of another, the other is kept.

    Raises:
        ArtifactError: the disk refuses, or the folder is a link.
    """
    with writing(run.folder):
        if run.has_manifest and run.aside.exists():
            shutil.rmtree(run.aside)
        if run.folder.exists() and not run.aside.exists():
            run.folder.rename(run.aside)
    clear(run)


def take_back(run: RunFolder) -> None:
    """Delete the run, and bring back the one that it was to be in place of.

    Raises:
        ArtifactError: the disk refuses, or the folder is a link.
    """
    clear(run)
    with writing(run.folder):
        if run.aside.exists():
            run.aside.rename(run.folder)


def discard(run: RunFolder) -> None:
    """Delete the run, and the one that it was to be in place of.

    Raises:
        ArtifactError: the disk refuses, or the folder is a link.
    """
    clear(run)
    with writing(run.folder):
        if run.aside.exists():
            remove(run.aside)


def clear(run: RunFolder) -> None:
    """Delete all that the folder holds, the manifest first, so that the run can be redone.

    Raises:
        ArtifactError: the disk refuses, or the folder is a link.
    """
    check_unlinked(run.folder.parent, run.folder)
    with writing(run.folder):
        (run.folder / MANIFEST).unlink(missing_ok=True)
        if run.folder.is_dir():
            sync(run.folder)
            shutil.rmtree(run.folder)


def check_run_unlinked(run: RunFolder) -> None:
    """Raises ArtifactError if the folder, its stage's or something in it is a link: writers follow none."""
    inside = run.folder.iterdir() if run.folder.is_dir() else ()
    check_unlinked(run.folder.parent, run.folder, *inside)


def _head(run: RunFolder, created: str, parents: Mapping[str, RunFolder]) -> dict[str, Any]:
    """How both records of the run begin."""
    above = {stage: Parent(parent.name, parent.identity or None) for stage, parent in parents.items()}
    return {"stage": run.stage, "identity": run.identity, "created": created, "parents": to_record(above)}


def _artifacts(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not hidden and parts[0] not in (SETTINGS, LOG, MANIFEST, CHECKPOINT):
            found.append(path)
    return found


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"sha256": file_digest(path), "bytes": path.stat().st_size}
