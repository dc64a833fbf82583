"""What a run depends on, as one digest: equal inputs, equal identity, no work done twice."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Callable, Mapping

_FORMAT = 1
_CHUNK = 1 << 20


def identity(stage: str, inputs: Mapping[str, Any]) -> str:
    """SHA-256, as 64 hex digits, of the stage's name and all that its result depends on.

    Args:
        stage: ``source``, ``tune``, ``invert`` or ``edit``.
        inputs: JSON values; the order of keys does not count, and a tuple equals a list.

    Raises:
        ValueError: an input is NaN or infinite, or is called ``format`` or ``stage``.
        TypeError: an input is not a JSON value.
    """
    reserved = {"format", "stage"} & set(inputs)
    if reserved:
        raise ValueError(f"an input may not be called {', '.join(sorted(reserved))}")
    canonical = json.dumps(
        {"format": _FORMAT, "stage": stage, **inputs}, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def file_digest(path: Path, on_bytes: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits. Raises OSError if it cannot be read.

    ``on_bytes`` is told how many more bytes were read.
    """
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            if on_bytes is not None:
                on_bytes(len(chunk))
    return digest.hexdigest()
