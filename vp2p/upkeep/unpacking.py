"""How the file of an export is read: nothing in it is trusted, and each file is checked as it is written."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tarfile
import zlib
from pathlib import Path
from typing import IO, Any, Literal, Mapping

from vp2p.atomic import make_folder, sync
from vp2p.errors import ArtifactError, UsageError
from vp2p.plain import read_json
from vp2p.progress import Progress
from vp2p.upkeep.packing import FORMAT, LIST, Records
from vp2p.upkeep.sizes import in_megabytes
from vp2p.workspace.config import NAME as CONFIG
from vp2p.workspace.names import file_in

_CHUNK = 1 << 20
_MOST_LISTED = 64 << 20  # bytes of the list of files
_BAD_NAME = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
_GZIP = b"\x1f\x8b"


def damaged(file: Path, reason: str) -> ArtifactError:
    """Says that the file is no whole export."""
    return ArtifactError(f"{file} is no whole export of vp2p: {reason}.", "copy the file again from where it was made")


def unpack(file: Path, folder: Path, progress: Progress) -> Records:
    """Writes what the file lists into ``folder``, each file checked; returns the list.

    Raises:
        ArtifactError: the file is damaged, of a newer format or no export; or there is no room for it.
    """
    with open(file, "rb") as stream:
        mode: Literal["r|gz", "r|"] = "r|gz" if stream.read(2) == _GZIP else "r|"
    try:
        with tarfile.open(file, mode) as archive:
            first = archive.next()
            if first is None or first.name != LIST or first.size > _MOST_LISTED:
                raise ValueError("it does not begin with a list of files")
            records = _records(read_json(_opened(archive, first).read()))
            total = sum(record["bytes"] for record in records.values())
            on_bytes = in_megabytes(progress, "import", total)
            make_folder(folder)
            if total > shutil.disk_usage(folder).free:
                raise ArtifactError(f"There is no room for the {total} bytes of {file}.", "free some space")
            missing = set(records)
            while (member := archive.next()) is not None:
                if member.name not in missing:
                    raise ValueError(f"{member.name!r} is not in its list, or twice in it")
                missing.remove(member.name)
                _write(_opened(archive, member), file_in(folder, member.name), records[member.name])
                on_bytes(member.size)
            if missing:
                raise ValueError(f"{len(missing)} of its files are missing, such as {min(missing)}")
    except (tarfile.TarError, zlib.error, EOFError, ValueError, RecursionError, UsageError) as error:
        raise damaged(file, str(error).rstrip(".")) from error
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
        raise damaged(file, f"a file in it cannot be written: {error.strerror}") from error
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        sync(inner)
    return records


def _records(listed: Any) -> Records:
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
    files: Records = listed["files"]
    return files


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
