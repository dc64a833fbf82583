"""Where a page's pictures and clips are: inside it, or in files beside it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

_TYPES = {".webp": "image/webp", ".png": "image/png", ".gif": "image/gif", ".mp4": "video/mp4"}


class Media(Protocol):
    """Keeps the bytes of a picture or clip, and says under which address the page finds them."""

    def url(self, data: bytes, suffix: str) -> str: ...


class Embedded:
    """Everything inside the page."""

    def url(self, data: bytes, suffix: str) -> str:
        return f"data:{_TYPES[suffix]};base64,{base64.b64encode(data).decode('ascii')}"


class Linked:
    """Files in a folder beside the page, each named by its content.

    So a new page and the one before it never want different files of one name.
    """

    def __init__(self, page: Path) -> None:
        self.folder = files_of(page)
        self.files: dict[str, bytes] = {}

    def url(self, data: bytes, suffix: str) -> str:
        name = hashlib.sha256(data).hexdigest()[:16] + suffix
        self.files[name] = data
        return f"{quote(self.folder.name)}/{name}"


def files_of(page: Path) -> Path:
    """The folder of a page's files: ``report_files`` of ``report.html``."""
    return page.with_name(f"{page.stem}_files")
