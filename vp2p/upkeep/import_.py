"""``vp2p import``: a workspace from the file that ``vp2p export`` wrote; nothing in the file is trusted."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Mapping

from vp2p.atomic import make_folder, sync
from vp2p.errors import ArtifactError, UsageError
from vp2p.plain import read_json
from vp2p.stages.planned import finished_plan
from vp2p.stages.result import Progress, silent
from vp2p.text import typed
from vp2p.upkeep.export import FORMAT, MANIFEST, MEGABYTE
from vp2p.workspace import RunFolder, Workspace, replacing
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.create import taken
from vp2p.workspace.layout import STAGES
from vp2p.workspace.names import file_in
from vp2p.workspace.tags import read_tag

_CHUNK = 1 << 20
_MOST_LISTED = 64 << 20  # bytes of the list of files
_BAD_NAME = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
_GZIP = b"\x1f\x8b"


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
        records = _unpack(file, temporary, progress)
        workspace = Workspace(temporary)
        try:
            _check(workspace)
        except (UsageError, ArtifactError) as error:
            raise _damaged(file, error.cause.replace(str(temporary), str(folder)).rstrip(".")) from error
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
        notes.append("the video did not come along: there is no sound, and the clip cannot be cut anew")
    return tuple(notes)


def _unpack(file: Path, folder: Path, progress: Progress) -> dict[str, Any]:
    """Writes what the file lists into ``folder``, each file checked; returns the list."""
    with open(file, "rb") as stream:
        mode = "r|gz" if stream.read(2) == _GZIP else "r|"
    try:
        with tarfile.open(file, mode) as archive:
            first = archive.next()
            if first is None or first.name != MANIFEST or first.size > _MOST_LISTED:
                raise ValueError("it does not begin with a list of files")
            records = _records(read_json(_opened(archive, first).read()))
            total, done = sum(record["bytes"] for record in records.values()), 0
            make_folder(folder)
            if total > shutil.disk_usage(folder).free:
                raise ArtifactError(f"There is no room for the {total} bytes of {file}.", "free some space")
            missing = set(records)
            while (member := archive.next()) is not None:
                if member.name not in missing:
                    raise ValueError(f"{member.name!r} is not in its list, or twice in it")
                missing.remove(member.name)
                _write(_opened(archive, member), file_in(folder, member.name), records[member.name])
                done += member.size
                progress("import", done // MEGABYTE, max(1, total // MEGABYTE), "MB")
            if missing:
                raise ValueError(f"{len(missing)} of its files are missing, such as {min(missing)}")
    except (tarfile.TarError, zlib.error, EOFError, ValueError, RecursionError, UsageError) as error:
        raise _damaged(file, str(error).rstrip(".")) from error
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
        raise _damaged(file, f"a file in it cannot be written: {error.strerror}") from error
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        sync(inner)
    return records


def _records(listed: Any) -> Mapping[str, Any]:
    """The list of files, checked."""
    if (
        not isinstance(listed, dict)
        or type(listed.get("format")) is not int
        or not isinstance(listed.get("files"), dict)
    ):
        raise ValueError("its list of files is damaged")
    if listed["format"] > FORMAT:
        raise ArtifactError(
            f"The file has format {listed['format']}, but this vp2p reads up to {FORMAT}.", "pip install --upgrade vp2p"
        )
    for place, record in listed["files"].items():
        whole = isinstance(record, dict) and type(record.get("bytes")) is int and record["bytes"] >= 0
        if not whole or not isinstance(record.get("sha256"), str):
            raise ValueError(f"its list of files is damaged at {place!r}")
    if CONFIG not in listed["files"]:
        raise ValueError(f"it holds no {CONFIG}")
    return listed["files"]


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(member) if member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
    if stream is None:
        raise ValueError(f"{member.name!r} is no plain file")
    return stream


def _write(stream: IO[bytes], path: Path, record: Mapping[str, Any]) -> None:
    """Copies a file as long as it is no longer than it should be, and compares its checksum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with open(path, "xb") as copy:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            digest.update(chunk)
            if size > record["bytes"]:
                break
            copy.write(chunk)
    if size != record["bytes"] or digest.hexdigest() != record["sha256"]:
        raise ValueError(f"{path.name} differs from its checksum")
    sync(path)


def _damaged(file: Path, reason: str) -> ArtifactError:
    return ArtifactError(f"{file} is no whole export of vp2p: {reason}.", "copy the file again from where it was made")
