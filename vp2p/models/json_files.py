"""The JSON files of models, read as the libraries read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vp2p.errors import ModelError


def read_json(file: Path, hint: str) -> Any:
    """What a file holds, which need not be a mapping.

    Raises:
        ModelError: it cannot be read, with the ``hint``.
    """
    try:
        return json.loads(file.read_text("utf-8"))  # as the libraries read it: no byte order mark
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file} cannot be read as JSON: {error}.", hint) from error
