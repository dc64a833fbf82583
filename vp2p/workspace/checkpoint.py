"""Checkpoints of an unfinished run: one file each, named by step and checksum, the newest kept."""

from __future__ import annotations

import hashlib
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.workspace.atomic import write_bytes, writing
from vp2p.workspace.seal import DamagedError, read_file
from vp2p.workspace.tensors import decode_metadata, decode_tensors, encode_tensors

if TYPE_CHECKING:
    from torch import Tensor

_NAME = re.compile(r"(?P<step>\d{8,})-(?P<checksum>[0-9a-f]{16})\.safetensors")
_log = logging.getLogger(__name__)


def save_checkpoint(folder: Path, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write a checkpoint; older ones go only once this one is on the disk.

    Args:
        folder: the run's checkpoint folder; made if missing.
        tensors: all state that is tensors: parameters, optimiser, random generators (uint8).
        meta: JSON values; ``step`` is the number of steps done, so the step at which to go on.

    Raises:
        ArtifactError: the disk refuses; the older checkpoint stays.
    """
    parts = encode_tensors(tensors, meta)
    path = folder / f"{meta['step']:08d}-{_checksum(*parts)}.safetensors"
    write_bytes(path, parts)
    for other in _newest_first(folder):
        if other != path:
            with writing(other):
                other.unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors (CPU) and meta of the newest whole checkpoint, or None if there is none.

    One whose bytes do not match the checksum in its name is passed over with a warning.
    """
    for path in _newest_first(folder):
        try:
            data = read_file(path)
            if not _matches(path, data):
                raise ValueError("its checksum differs")
            return decode_tensors(data), decode_metadata(data)
        except (OSError, ValueError) as error:
            _log.warning("checkpoint %s cannot be used (%s); looking for an older one", path, error)
    return None


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint as its name says, or 0 if there is none."""
    return max((step for step, _ in _found(folder)), default=0)


def damaged_checkpoints(folder: Path) -> list[Path]:
    """The checkpoints that cannot be read, or do not match the checksum in their name."""
    return [path for path in _newest_first(folder) if not _whole(path)]


def _whole(path: Path) -> bool:
    try:
        return _matches(path, read_file(path))
    except (OSError, DamagedError):
        return False


def _matches(path: Path, data: bytes) -> bool:
    """Whether a checkpoint's bytes have the checksum that its name says."""
    return path.stem.endswith(f"-{_checksum(data)}")


def _checksum(*parts: bytes | memoryview) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:16]


def _newest_first(folder: Path) -> list[Path]:
    return [path for _, path in sorted(_found(folder), reverse=True)]


def _found(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints with their steps."""
    if not folder.is_dir():
        return []
    return [(int(match["step"]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
