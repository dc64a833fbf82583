"""Addresses on the web where the path of a file is wanted."""

from __future__ import annotations

import os
import re

from vp2p.errors import UsageError
from vp2p.text import typed

# The second kind is typed as browsers show it.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/|(www\.|youtu\.be/|(?:m\.)?youtube\.com/)", re.IGNORECASE)


def refuse_address(option: str, text: str) -> None:
    """Raises UsageError if what an option names is an address on the web, and no path."""
    found = _ADDRESS.match(text)
    if not found or len(text) < 4096 and "\0" not in text and os.path.exists(text):
        return
    kind = (found[1] or "https").lower()
    path = "/" + text.split(":", 1)[1].removeprefix("//localhost").lstrip("/") if kind == "file" else None
    raise UsageError(
        f"{option} {text} is an address ({kind}), not the path of a file.",
        f"{option} {typed(path)}" if path else f"download it first, then give {option} the path of the file",
    )
