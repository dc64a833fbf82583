"""YAML files of settings by section: templates, and the user's own configuration."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from vp2p.errors import UsageError
from vp2p.plain import read_user_yaml
from vp2p.schema import from_mapping, setting_name
from vp2p.settings import SECTIONS
from vp2p.text import shorten


def read_sections(path: Path, what: str) -> dict[str, dict[str, Any]]:
    """The settings of the file ``path`` by section, and in each by name.

    Args:
        what: what the file is, for the messages: ``"template"``.

    Raises:
        UsageError: it cannot be read, is not YAML, or has a wrong section, key or value.
    """
    values = read_user_yaml(path) or {}
    sections = {key: section or {} for key, section in values.items()} if isinstance(values, dict) else None
    if sections is None or not all(isinstance(section, dict) for section in sections.values()):
        raise UsageError(f"The {what} {path} holds no sections of settings.", f"sections: {', '.join(SECTIONS)}")
    for key, section in sections.items():
        if key not in SECTIONS:
            near = difflib.get_close_matches(str(key), SECTIONS, n=1)
            known = f"did you mean {near[0]}?" if near else f"sections: {', '.join(SECTIONS)}"
            raise UsageError(f"The {what} {path} has an unknown section {shorten(key)}.", known)
        try:
            from_mapping(SECTIONS[key], section)
        except UsageError as error:
            raise UsageError(f"The {what} {path}, under {key}: {error.cause}", error.hint) from error
    return {key: {setting_name(name): value for name, value in section.items()} for key, section in sections.items()}
