"""SHA-256 of model files; that of a large file is remembered for as long as the file is unchanged."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path

import platformdirs

from vp2p.atomic import swapping

_LARGE = 64 << 20
_CHUNK = 1 << 20
# A file that is changed within the resolution of its time of change looks unchanged.
_SETTLED_SECONDS = 3.0


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits.

    Weights of gigabytes take seconds to read, at every command. Their digest is kept in the user's cache
    folder, with the file's size, inode and time of change, and counts only while these are the same.

    Raises:
        OSError: the file cannot be read.
    """
    path = path.resolve()
    facts = path.stat()
    if facts.st_size < _LARGE:
        return _digest(path)
    state = [str(path), facts.st_size, facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns]
    name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()
    kept = Path(platformdirs.user_cache_dir("vp2p")) / "digests" / f"{name}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_bytes())
        if found["state"] == state:
            remembered: str = found["sha256"]
            return remembered
    digest = _digest(path)
    if time.time() - max(facts.st_mtime, facts.st_ctime) > _SETTLED_SECONDS:
        with suppress(OSError):  # a cache folder that cannot be written costs time only
            kept.parent.mkdir(parents=True, exist_ok=True)
            with swapping(kept) as temporary:
                temporary.write_text(json.dumps({"state": state, "sha256": digest}))
    return digest


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
