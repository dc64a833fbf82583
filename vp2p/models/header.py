"""The header of a safetensors file: its tensors' names and shapes, read without the tensors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

from vp2p.errors import ModelError
from vp2p.text import typed

COPY = "copy or download it again"
"""The hint for files that are damaged."""

_PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04")


@dataclass(frozen=True)
class Header:
    """``shapes`` by the tensors' names; ``metadata`` as the file says it, text by key."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]

    def has(self, *starts: str) -> bool:
        """Whether a tensor's name begins with one of ``starts``."""
        return any(name.startswith(starts) for name in self.shapes)


def read_header(file: Path) -> Header:
    """The header of ``file``.

    Raises:
        ModelError: it cannot be read, is no safetensors file, or is not as long as it says: a Git LFS pointer, or one
            that was cut short.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            length = int.from_bytes(start, "little")
            size = file.stat().st_size
            _check_start(file, start, size, length)
            header = json.loads(stream.read(length))
        metadata = header.pop("__metadata__", None) or {}
        shapes = {name: tuple(map(int, entry["shape"])) for name, entry in header.items()}
        whole = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
        told = {str(key): str(value) for key, value in metadata.items()}
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.", COPY) from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelError(f"{file} is damaged: it does not begin as a safetensors file does.", COPY) from error
    if size < whole:
        raise ModelError(f"{file} is cut short: it has {size} of {whole} bytes.", COPY)
    return Header(shapes, told)


def _check_start(file: Path, start: bytes, size: int, length: int) -> None:
    """Raises ModelError for what is no safetensors file by its first bytes."""
    if start == b"version ":
        raise ModelError(
            f"{file} is a pointer of Git LFS, not the weights themselves.",
            f"cd {typed(str(file.parent))} && git lfs pull",
        )
    if not size:
        raise ModelError(f"{file} is cut short: it is empty (0 bytes).", COPY)
    if len(start) >= 8 and length <= size - 8:
        return
    if start.startswith(_PICKLED):
        raise ModelError(
            f"{file} is a pickle under another name; these can run code and are never opened.",
            "give one that ships safetensors",
        )
    if start.lstrip().startswith(b"<"):
        raise ModelError(f"{file} is a web page, not weights.", "download it again, by its download link")
    raise ModelError(f"{file} is cut short: it has {size} bytes.", COPY)
