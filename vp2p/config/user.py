"""The user's own configuration, for all workspaces."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs

from vp2p.config.sections import read_sections


def config_folder() -> Path:
    """The user's own folder: ``config.yaml``, and ``templates/``."""
    return Path(platformdirs.user_config_dir("vp2p"))


def user_config() -> Path:
    """The user's configuration, which need not be there."""
    return config_folder() / "config.yaml"


def read_user_config() -> dict[str, dict[str, Any]]:
    """The user's settings by section. Raises UsageError for a wrong section, key or value."""
    path = user_config()
    return read_sections(path, "user config") if os.path.exists(path) else {}
