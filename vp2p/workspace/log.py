"""The log of a run: one JSON object a line, the same after an interruption as without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from vp2p.atomic import sync
from vp2p.workspace.atomic import write_bytes, writing


def append_log(path: Path, entry: Mapping[str, Any]) -> None:
    """Add one line. ``entry`` has an int ``step``, counted from 0. Raises ArtifactError when the disk refuses."""
    with writing(path), open(path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")


def read_log(path: Path) -> list[dict[str, Any]]:
    """All entries, oldest first; none if there is no file. What a crash cut short is left out."""
    return [entry for entry, _ in _entries(path)]


def truncate_log(path: Path, step: int) -> None:
    """Keep the entries before ``step``, the step at which the run goes on."""
    if path.exists():
        write_bytes(path, b"".join(line for entry, line in _entries(path) if entry["step"] < step))


def sync_log(path: Path) -> None:
    """Have a log, where there is one, on the disk and not only in the system's memory."""
    with writing(path):
        if path.exists():
            sync(path)
            sync(path.parent)


def _entries(path: Path) -> list[tuple[dict[str, Any], bytes]]:
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    entries = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if line.endswith(b"\n") and isinstance(entry, dict) and isinstance(entry.get("step"), int):
            entries.append((entry, line))
    return entries
