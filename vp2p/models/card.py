"""What a model says of itself in its ``vp2p.json``: the settings that suit it, and the words it was taught."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.sources import ALIASES, BUNDLED, find_model

NAME = "vp2p.json"


@dataclass(frozen=True)
class Card:
    """The contents of a ``vp2p.json``; what is of a wrong type there counts as missing."""

    values: Mapping[str, Any] = field(default_factory=dict)

    def suited(self, stage: str) -> Mapping[str, Any]:
        """The settings of a stage (``tune``, ``invert``, ``edit``) that suit the model, as far as it says them."""
        settings = self.values.get("settings")
        found = settings.get(stage) if isinstance(settings, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def words(self) -> tuple[str, ...]:
        """The words that the model was taught; none where it does not list them."""
        words = self.values.get("words")
        return tuple(map(str, words)) if isinstance(words, list) else ()


def local_card(model: str) -> Card:
    """The card of a model, as far as this disk knows it: empty where it has none, or none that is here.

    Nothing is downloaded, and a model that cannot be used is no error: the stages say so.
    """
    try:
        path = _path(model)
        found = json.loads(path.read_bytes()) if path else {}
    except (ModelError, OSError, ValueError):
        return Card()
    return Card(found) if isinstance(found, dict) else Card()


def _path(model: str) -> Path | None:
    if model == BUNDLED or Path(model).expanduser().is_dir():
        path = find_model(model) / NAME
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(ALIASES.get(model, model), NAME)
    return Path(found) if isinstance(found, str) else None
