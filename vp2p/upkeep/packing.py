"""How an export is written: a tar that begins with a list of its files, or a folder; and the list itself."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any, Callable, Mapping

from vp2p.atomic import sync
from vp2p.version import __version__
from vp2p.workspace.identity import file_digest

FORMAT = 1
LIST = "vp2p-export.json"
SUFFIXES = (".tar", ".tar.gz", ".tgz")
Content = Path | bytes
# Of each file, by its path in the workspace: ``sha256`` and ``bytes``.
Records = Mapping[str, Mapping[str, Any]]
OnBytes = Callable[[int], None]


def size(content: Content) -> int:
    """Bytes of what is packed under one name."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def records_of(contents: Mapping[str, Content], on_bytes: OnBytes) -> Records:
    """Size and checksum of everything."""
    records: dict[str, dict[str, Any]] = {}
    for place, content in contents.items():
        digest = hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_digest(content)
        records[place] = {"sha256": digest, "bytes": size(content)}
        on_bytes(records[place]["bytes"])
    return records


def write_file(path: Path, contents: Mapping[str, Content], records: Records, on_bytes: OnBytes) -> None:
    """A tar whose first file lists all others; ``on_bytes`` is told how many more were written."""
    listed = json.dumps({"format": FORMAT, "vp2p": __version__, "files": records}, indent=1).encode("utf-8")
    # Tensors hardly compress, so little is lost by doing it fast.
    compression: Any = {"mode": "w"} if path.name.endswith(".tar") else {"mode": "w:gz", "compresslevel": 1}
    with tarfile.open(path, format=tarfile.PAX_FORMAT, **compression) as archive:
        for place, content in {LIST: listed, **contents}.items():
            info = tarfile.TarInfo(place)
            info.size, info.mode = size(content), 0o644
            with io.BytesIO(content) if isinstance(content, bytes) else open(content, "rb") as stream:
                archive.addfile(info, stream)
            on_bytes(info.size)


def write_folder(path: Path, contents: Mapping[str, Content], records: Records, on_bytes: OnBytes) -> None:
    """A workspace of its own; ``on_bytes`` is told how many more bytes were written."""
    for place, content in contents.items():
        file = path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            shutil.copyfile(content, file)
        sync(file)
        on_bytes(records[place]["bytes"])
    for folder in (folder for folder in path.rglob("*") if folder.is_dir()):
        sync(folder)
