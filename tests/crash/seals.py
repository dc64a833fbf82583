"""Checksums of a workspace's records made right again, as somebody would who wrote them on purpose."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import yaml

from vp2p.workspace.seal import sealed

Files = dict[str, bytes]


def resealed(files: Files) -> Files:
    """``files``, by their places, with every checksum that is kept in a record as its file needs it."""
    done = dict(files)
    for place in sorted(done, key=lambda place: place.endswith("manifest.json")):  # a manifest counts the others
        if place.endswith("manifest.json"):
            done[place] = _record(done[place], done, place.removesuffix("manifest.json"))
        elif place.endswith(("settings.yaml", ".json")) or place.startswith("tags/"):
            done[place] = _seal(done[place])
    return done


def _record(data: bytes, files: Files, folder: str) -> bytes:
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return data
    if not isinstance(record, dict):
        return data
    _count(record, files, folder)
    if "checksum" in record:
        try:
            record = sealed({key: value for key, value in record.items() if key != "checksum"})
        except (ValueError, RecursionError):
            return data
    return json.dumps(record, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _count(value: Any, files: Files, folder: str) -> None:
    """Sizes and digests, wherever a record keeps them by the names of files."""
    for name, known in value.items() if isinstance(value, dict) else ():
        data = files.get(f"{folder}{name}")
        if data is not None and isinstance(known, dict) and {"sha256", "bytes"} <= {*known}:
            known |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        else:
            _count(known, files, folder)


def _seal(data: bytes) -> bytes:
    """A record of YAML that holds a checksum of its other values."""
    try:
        record = yaml.safe_load(data)
        if not isinstance(record, dict) or "checksum" not in record:
            return data
        record = sealed({key: value for key, value in record.items() if key != "checksum"})
        return yaml.safe_dump(record, sort_keys=False, allow_unicode=True).encode("utf-8", "surrogatepass")
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return data
