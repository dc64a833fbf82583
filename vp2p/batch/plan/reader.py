"""The pieces that a plan is made of, read with every mistake noted at its line."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Callable, Collection, Mapping

from vp2p.addresses import refuse_address
from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.batch.plan.document import At, Document
from vp2p.errors import UsageError
from vp2p.models.folder import read_folder
from vp2p.models.sources import ALIASES, BUNDLED, find_model
from vp2p.schema import from_mapping, setting_name
from vp2p.settings import SECTIONS
from vp2p.workspace.names import check_edit_name

Sections = dict[str, dict[str, Any]]
_NAME = "give name: letters, digits, . _ or -, at most 64, not starting with . or -"


class Reader:
    """Reads a document's pieces; what is wrong becomes a mistake, and what is right is returned."""

    def __init__(self, document: Document, diagnostics: Diagnostics) -> None:
        self.document = document
        self.diagnostics = diagnostics
        self.folder = document.path.absolute().parent

    def line(self, *at: Any) -> int:
        return self.document.line(at)

    def mapping(self, value: Any, at: At, known: Collection[str], what: str) -> dict[str, Any]:
        """A mapping's entries with known keys; nothing for null."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.diagnostics.add(
                self.line(*at), f"{what} is {value!r}, but must hold keys.", "known: " + ", ".join(known)
            )
            return {}
        for key in value:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
                self.diagnostics.add(self.line(*at, key), f"{what} has no key {key!r}.", hint)
        return {key: entry for key, entry in value.items() if key in known}

    def entries(self, value: Any, at: At, what: str) -> list[tuple[At, Any]]:
        """A list's entries with their places; none for null."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.diagnostics.add(self.line(*at), f"{what} is {value!r}, but must be a list.", "start each entry with -")
            return []
        return [((*at, index), entry) for index, entry in enumerate(value)]

    def text(self, value: Any, at: At, what: str) -> str | None:
        """Text that is not blank and can be encoded."""
        if isinstance(value, str) and value.strip() and "\0" not in value and _encodable(value):
            return value.strip()
        self.diagnostics.add(self.line(*at), f"{what} is {value!r}, but must be text.", f"write {what}: …")
        return None

    def name(self, value: Any, at: At, what: str) -> str | None:
        """A name that may become part of a path."""
        if not isinstance(value, str):
            self.diagnostics.add(self.line(*at), f"The name of {what} is {value!r}, but must be text.", _NAME)
            return None
        try:
            return check_edit_name(value)
        except UsageError:
            self.diagnostics.add(self.line(*at), f"{value[:80]!r} cannot be the name of {what}.", _NAME)
            return None

    def names(self, value: Any, at: At, what: str) -> list[str] | None:
        """One name or a list of names; None for null."""
        if value is None:
            return None
        entries = value if isinstance(value, list) else [value]
        if not all(isinstance(entry, str) for entry in entries):
            self.diagnostics.add(self.line(*at), f"{value!r} are no names of {what}.", f"write [name, name] of {what}")
            return []
        return entries

    def known_names(self, names: list[str] | None, known: Collection[str], at: At, what: str) -> None:
        """Each name must be one of ``known``."""
        for name in names or ():
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known) or 'none'}"
                self.diagnostics.add(self.line(*at), f"There is no {what} {name!r}.", hint)

    def section(self, name: str, value: Any, at: At) -> dict[str, Any]:
        """The settings of a section, each checked by itself; paths are taken from the plan's folder."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            cause = f"{name} is {value!r}, but must hold settings."
            self.diagnostics.add(self.line(*at), cause, f"indent its settings under {name}:")
            return {}
        return self.settings(name, value, lambda key: (*at, key))

    def settings(self, name: str, values: Mapping[Any, Any], place: Callable[[Any], At]) -> dict[str, Any]:
        """As :meth:`section`, for settings that ``place`` says the places of."""
        kept = {}
        for key, entry in values.items():
            with self.diagnostics.at(self.line(*place(key))):
                from_mapping(SECTIONS[name], {key: entry})
                kept[setting_name(key)] = self._placed(name, setting_name(key), entry)
        return kept

    def sections(self, values: Mapping[str, Any], at: At) -> Sections:
        """The sections among a mapping's keys."""
        return {name: self.section(name, values[name], (*at, name)) for name in SECTIONS if name in values}

    def path(self, text: str) -> Path:
        """A path that the plan names, from its own folder."""
        return self.folder / Path(text).expanduser()

    def _placed(self, section: str, key: str, value: Any) -> Any:
        if (section, key) == ("edit", "mask") and value is not None:
            refuse_address("mask:", value)
            if not self.path(value).exists():
                raise UsageError(f"There is no mask {value}.", "give mask a video or a folder of pictures")
            return str(self.path(value))
        if (section, key) == ("edit", "reference") and value is not None:
            refuse_address("reference:", value)
            return self._scaled(value)
        if (section, key) == ("model", "model"):
            return self._model(value)
        if (section, key) == ("model", "model_config") and value is not None:
            return str(self.path(value))
        if section == "edit" and key in ("segmenter", "detector") and value is not None and self.path(value).exists():
            return str(self.path(value))
        if (section, key) in (("model", "vae"), ("model", "ip_adapter")) and value and self.path(value).exists():
            return str(self.path(value))
        if (section, key) == ("model", "lora"):
            return [str(self.path(one)) for one in ([value] if isinstance(value, str) else value)]
        if (section, key) in (("model", "control"), ("clip", "control_video")):
            return [self._of_kind(one) for one in ([value] if isinstance(value, str) else value)]
        return value

    def _of_kind(self, text: str) -> str:
        """``KIND=PATH`` with the path from the plan's folder; a hub id, which no folder here has, stays."""
        kind, _, path = text.partition("=")
        here = self.path(path).exists() or self.path(path.rpartition(":")[0] or path).exists()
        return f"{kind}={self.path(path)}" if here else text

    def _scaled(self, text: str) -> str:
        """``PICTURE[:scale]`` with the path from the plan's folder. Raises UsageError if there is no such picture."""
        if not self.path(text).exists() and not self.path(text.rpartition(":")[0]).is_file():
            raise UsageError(f"There is no picture {text}.", "give reference a picture, such as dog.png or dog.png:0.6")
        return str(self.path(text))

    def _model(self, value: str) -> str:
        """A path from the plan's folder, or a name; one that can be neither here nor on the hub is refused."""
        if value not in (BUNDLED, *ALIASES) and value.strip() and self.path(value).exists():
            value = str(self.path(value))
        if value == BUNDLED or value not in ALIASES and (Path(value).exists() or "/" not in value):
            path = find_model(value)
            if path.is_dir():  # a file may need other settings to be read
                read_folder(path)
        if "://" in value and not Path(value).is_dir():
            find_model(value)  # raises
        return value


def merged(*layers: Mapping[str, Mapping[str, Any]]) -> Sections:
    """Sections laid over each other: of settings that several layers name, the last one counts."""
    return {name: {key: value for layer in layers for key, value in layer.get(name, {}).items()} for name in SECTIONS}


def slug(text: str) -> str:
    """``text`` as a name."""
    return re.sub(r"[^\w.]+", "-", text).strip("-._")[:48].rstrip("-._")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
