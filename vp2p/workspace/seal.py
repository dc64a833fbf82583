"""The seal of a record: a checksum of all that it says, by which any change of it is noticed."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any, Mapping

# Of the YAML records: settings.yaml and tags.
YAML_FORMAT = 2


class DamagedError(ValueError):
    """A record that cannot be believed; ``newer`` where a newer vp2p wrote it."""

    def __init__(self, reason: str, newer: bool = False) -> None:
        super().__init__(reason)
        self.newer = newer


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` with a checksum of them all, by which any change of them is noticed."""
    return {**values, "checksum": checksum(values)}


def checksum(values: Mapping[str, Any]) -> str:
    """SHA-256 of plain values without their own ``checksum``, 64 hex digits."""
    rest = {key: value for key, value in values.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode("ascii")).hexdigest()


def check_seal(values: Mapping[str, Any]) -> None:
    """Raises DamagedError unless values read from YAML have a right checksum, or are from before there was one.

    The format stands first and the checksum last, so a file that was cut has the one without the other.
    """
    format = values.get("format")
    if format is None and "checksum" not in values:
        return
    if type(format) is int and format > YAML_FORMAT:
        raise DamagedError(f"it has format {format}, but this vp2p reads up to {YAML_FORMAT}", newer=True)
    if format != YAML_FORMAT or values.get("checksum") != _checksum_of_yaml(values):
        raise DamagedError("its checksum differs from its contents")


def read_file(path: Path) -> bytes:
    """The bytes of a plain file. Raises OSError; DamagedError for a link or a folder in its place."""
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise DamagedError("it is a link, not a file" if stat.S_ISLNK(mode) else "it is no file")
    return path.read_bytes()


def _checksum_of_yaml(values: Mapping[str, Any]) -> str | None:
    try:
        return checksum(values)
    except (TypeError, ValueError):  # a date, say, that no record holds
        return None
