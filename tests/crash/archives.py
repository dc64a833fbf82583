"""Exported files as a stranger may pack them: links, devices, names that lead away, members twice, sizes that lie."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any, Callable, Iterator

from tests.crash.seals import Files, resealed

_LIST = "vp2p-export.json"
_NAMES = (
    "../outside/secret",
    "/tmp/vp2p-absolute",
    "edit/../../outside/x",
    "a" * 300,
    "/".join("abcdefghij" * 300),
    "edit/dog/\x1b[31m\u202e",
    "edit/dog/a\nb",
    "",
    ".",
    "./vp2p.yaml",
    "vp2p.yaml/x",
    "edit",
    "a\\b",
    "CON",
    "\udc80",
)


_LISTS = (b"", b"[]", b"{", b"9" * 6000, b"[" * 100_000, b'{"format": 1, "files": []}', b'{"format": 1}', b"\xff")


def read(export: Path) -> Files:
    """The files in an export, by their places, in their order."""
    with tarfile.open(export) as archive:
        members = [member for member in archive if member.name != _LIST]
        return {member.name: archive.extractfile(member).read() for member in members}


def pack(files: Files, to: Path) -> None:
    """An export whose checksums are right."""
    files = resealed(files)
    write([*_plain(files)], listed(files), to)


def listed(files: Files) -> dict[str, Any]:
    """Its list of files."""
    records = {place: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for place, data in files.items()}
    return {"format": 1, "vp2p": "0", "files": records}


def write(members: list[tuple[tarfile.TarInfo, bytes]], first: Any, to: Path) -> None:
    data = first if isinstance(first, bytes) else json.dumps(first).encode()
    with tarfile.open(to, "w", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for info, content in [_member(_LIST, data), *members]:
            archive.addfile(info, io.BytesIO(content))


def _member(name: str, data: bytes, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def _plain(files: Files) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    yield from (_member(place, data) for place, data in files.items())


def odd_archives(files: Files) -> Iterator[tuple[str, Callable[[Path], object]]]:
    """Every odd archive: its name, and what writes it to a path."""
    right, members = listed(files), [*_plain(files)]
    for name in _NAMES:
        yield (
            f"a member {name[:30]!r}",
            lambda to, name=name: write([*members, _member(name, b"x")], listed({**files, name: b"x"}), to),
        )
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
        for target in ("../outside/secret", "/etc/passwd", "vp2p.yaml"):
            extra = _member("edit/dog/x", b"", type=kind, linkname=target)
            yield (
                f"a member of type {kind!r} to {target}",
                lambda to, extra=extra: write([*members, extra], listed({**files, "edit/dog/x": b""}), to),
            )
    yield "a member twice", lambda to: write([*members, members[0]], right, to)
    yield "a member that is not listed", lambda to: write([*members, _member("x", b"x")], right, to)
    yield "members that are missing", lambda to: write(members[:3], right, to)
    yield (
        "a folder that is a file, too",
        lambda to: write([*members, _member("edit/dog", b"x")], listed({**files, "edit/dog": b"x"}), to),
    )
    for bytes_ in (10**15, -1, 10**400, True, 1.5, "9", None):
        lie = {**right, "files": {**right["files"], "vp2p.yaml": {**right["files"]["vp2p.yaml"], "bytes": bytes_}}}
        yield f"a size of {bytes_!r:.20}", lambda to, lie=lie: write(members, lie, to)
    for first in (
        b"",
        b"[]",
        b"{",
        b"9" * 6000,
        b"[" * 100_000,
        b'{"format": 1, "files": []}',
        b'{"format": 1}',
        b"\xff",
    ):
        yield f"a list {first[:30]!r}", lambda to, first=first: write(members, first, to)
    for form in (0, -1, 2, 10**400, True, "1", None):
        yield f"a list of format {form!r:.20}", lambda to, form=form: write(members, {**right, "format": form}, to)

    def packed(to: Path, change: Callable[[bytes], bytes]) -> None:
        write(members, right, to)
        to.write_bytes(change(to.read_bytes()))

    changes: dict[str, Callable[[bytes], bytes]] = {
        "packed": gzip.compress,
        "packed twice": lambda data: gzip.compress(gzip.compress(data)),
        "packed and cut": lambda data: gzip.compress(data)[:-40],
        "packed and bent": lambda data: gzip.compress(data)[:5000] + b"\0" * 50 + gzip.compress(data)[5050:],
        "a bomb": lambda data: gzip.compress(b"\0" * (300 << 20), 1),
        "a bomb behind a list": lambda data: gzip.compress(data[: -(len(data) // 2)] + b"\0" * (200 << 20), 1),
        "cut in a header": lambda data: data[:700],
        "cut": lambda data: data[: len(data) // 2],
        "empty": lambda data: b"",
        "no tar": lambda data: b"no tar at all\n" * 999,
        "zeros": lambda data: b"\0" * 20480,
    }
    for name, change in changes.items():
        yield name, lambda to, change=change: packed(to, change)
    huge = _member("edit/dog/huge", b"")
    huge[0].size = 1 << 40
    yield "a member that says it has a terabyte", lambda to: _lying(to, huge[0], right, members)


def _lying(to: Path, info: tarfile.TarInfo, first: Any, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    first = {**first, "files": {**first["files"], info.name: {"sha256": "0" * 64, "bytes": info.size}}}
    write(members, first, to)
    data = to.read_bytes().rstrip(b"\0")
    data += b"\0" * (-len(data) % 512)
    to.write_bytes(data + info.tobuf(tarfile.PAX_FORMAT) + b"x" * 1024)
