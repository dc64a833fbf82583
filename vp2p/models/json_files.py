"""The JSON files of models, read as the libraries read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vp2p.errors import ModelError
from vp2p.models.header import COPY


def read_mapping(file: Path) -> dict[str, Any]:
    """What a file holds. Raises ModelError if it cannot be read, or holds no mapping."""
    try:
        found = json.loads(file.read_text("utf-8"))  # as the libraries read it: no byte order mark
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read as JSON: {error}.", f"save it as UTF-8, or {COPY}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{file} holds no JSON object.", COPY)
    return found
