"""What an option names that takes a model, or a part of one: a path on this disk, or a hub id."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import NamedTuple

from vp2p.errors import ModelError
from vp2p.models.weights import PICKLES
from vp2p.text import shorten, typed

SINGLE = (".safetensors", ".gguf", *PICKLES)
"""How files of weights end; no hub id does."""

_NO_FILE = "".join(rf"(?<!{re.escape(end)})" for end in SINGLE)
HUB_ID = re.compile(rf"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*{_NO_FILE}")

_ON_THE_HUB = re.compile(
    r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/(?!(?:spaces|datasets|docs|blog)/)([\w.-]+/[\w.-]+)"
)


class Option(NamedTuple):
    """An option that names something.

    ``typed`` is what stands before the name, such as ``--vae ``; ``called`` what the name is of; ``give`` the hint for
    names of nothing. ``on_hub`` says whether hub ids are taken; ``known`` are names beside them.
    """

    typed: str
    called: str
    give: str
    on_hub: bool = True
    known: tuple[str, ...] = ()

    def path(self, text: str) -> Path:
        """``text`` as a path, which need not be there. Raises ModelError if the system takes no such path."""
        try:
            path = Path(text).expanduser()
            path.exists()
        except (OSError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ModelError(f"{shorten(text)} cannot be a path: {reason}.", self.give) from error
        return path

    def on_disk(self, text: str) -> Path | None:
        """The file or folder that ``text`` names; None for a hub id. Raises ModelError if it names neither."""
        return None if HUB_ID.fullmatch(text) and not self.path(text).exists() else self.there(text)

    def there(self, text: str) -> Path:
        """The file or folder that ``text`` names. Raises ModelError if there is none."""
        if not text.strip():
            raise ModelError(f"The name of the {self.called} is empty.", self.give)
        path = self.path(text)
        if path.exists():
            return path
        repository = _ON_THE_HUB.match(text)
        if repository or "://" in text:
            found = repository[1] if repository and self.on_hub else None
            found = typed(text.removeprefix("file://")) if text.startswith("file:///") else found
            raise ModelError(
                f"The {self.called} {shorten(text)} is an address, not a path{' or a hub id' if self.on_hub else ''}.",
                f"{self.typed}{found}" if found else f"download it first, then {self.typed}PATH",
            )
        what = "file" if path.suffix in SINGLE else self.called
        raise ModelError(f"There is no {what} {shorten(text)}.", self._meant(text, path))

    def located(self, text: str) -> str:
        """``text`` in a form that means the same from any current folder."""
        path = self.path(text)
        return str(path.absolute()) if path.exists() else text

    def _meant(self, text: str, path: Path) -> str:
        """The hint for a name of nothing: what has nearly that name."""
        known = difflib.get_close_matches(text.lower(), self.known, n=1)
        beside = [str(one) for one in path.parent.glob("*")]
        near = known or difflib.get_close_matches(str(path), beside, n=1, cutoff=0.8)
        if near:
            return f"did you mean {self.typed}{typed(near[0])}?"
        inside = re.match(rf"({HUB_ID.pattern})[@/:]", text) if self.on_hub else None
        return f"check the path; or from the hub: {self.typed}{inside[1]}" if inside else self.give


def is_checkpoint(path: Path) -> bool:
    """Whether ``path`` is a safetensors file."""
    return path.suffix.lower() == ".safetensors" and path.is_file()
