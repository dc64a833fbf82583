"""What a model says of itself, as far as this disk knows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.sources import ALIASES, BUNDLED, find_folder

_NAME = "vp2p.json"


def local_card(model: str) -> Mapping[str, Any]:
    """The contents of a model's ``vp2p.json``; empty where it has none, or none that is on this disk.

    Nothing is downloaded, and a model that cannot be used is no error: the stages say so.
    """
    try:
        path = _path(model)
        found = json.loads(path.read_bytes()) if path else {}
    except (ModelError, OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _path(model: str) -> Path | None:
    if model == BUNDLED or Path(model).expanduser().is_dir():
        path = find_folder(model) / _NAME
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(ALIASES.get(model, model), _NAME)
    return Path(found) if isinstance(found, str) else None
