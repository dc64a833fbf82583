"""The lists of a plan: videos, edits and overrides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, get_args

from vp2p.addresses import refuse_address
from vp2p.batch.plan.document import At
from vp2p.batch.plan.matrix import Variant
from vp2p.batch.plan.reader import Reader, Sections, slug
from vp2p.prompts.alternatives import alternatives, as_typed
from vp2p.schema import from_mapping, options, setting_name
from vp2p.settings import SECTIONS, EditSettings
from vp2p.stages.edited import Format
from vp2p.workspace.names import cut_name

_FORMATS = get_args(Format)
_EDIT_KEYS = (*(one.name for one in options(EditSettings)), "name", "only", "except", "format")


@dataclass(frozen=True)
class Edit:
    """One edit, and the videos that it is for: ``only`` these if given, and never those of ``excepted``.

    One with mistakes is not ``sound``: nothing more can be said of it.
    """

    line: int
    name: str
    settings: Mapping[str, Any]
    format: Format = "mp4"
    only: list[str] | None = None
    excepted: list[str] | None = None
    sound: bool = True

    def fits(self, video: str) -> bool:
        return (self.only is None or video in self.only) and video not in (self.excepted or ())


@dataclass(frozen=True)
class Video:
    """One video with its prompt, its own settings and its own edits."""

    line: int
    name: str
    path: Path
    prompt: str
    sections: Sections
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Override:
    """Settings for what has one of the names; None stands for any."""

    videos: list[str] | None
    settings: list[str] | None
    edits: list[str] | None
    sections: Sections

    def fits(self, video: str, settings: str | None, edit: str | None) -> bool:
        chosen = ((self.videos, video), (self.settings, settings), (self.edits, edit))
        return all(names is None or name in names for names, name in chosen)


@dataclass(frozen=True)
class Entries:
    """All lists of a plan, and the settings of its ``defaults``."""

    defaults: Sections
    videos: list[Video]
    edits: list[Edit]
    variants: list[Variant]
    overrides: list[Override]


def read_videos(reader: Reader, value: Any) -> list[Video]:
    """The videos; two of one name are a mistake."""
    found: dict[str, Video] = {}
    if not value:
        reader.diagnostics.add(reader.line("videos"), "The plan names no videos.", "videos: [{video: …, prompt: …}]")
    for at, entry in reader.entries(value, ("videos",), "videos"):
        known = ("video", "prompt", "name", "edits", *SECTIONS)
        keys = reader.mapping(entry, at, known, "A video")
        path = reader.text(keys.get("video"), (*at, "video"), "video")
        if path is not None:
            with reader.diagnostics.at(reader.line(*at, "video")):
                refuse_address("video:", path)
        prompt = reader.text(keys.get("prompt"), (*at, "prompt"), "prompt")
        given = keys["name"] if "name" in keys else slug(Path(path or "video").stem)
        name = reader.name(given, (*at, "name"), "a video")
        edits = read_edits(reader, keys.get("edits"), (*at, "edits"))
        sections = reader.sections(keys, at)
        if path is None or prompt is None or name is None:
            continue
        line = reader.line(*at)
        same = name.casefold()  # some file systems take such names for one
        if same in found:
            cause = f"Two videos are called {name}, here and at line {found[same].line}."
            reader.diagnostics.add(line, cause, "give one of them another name:")
            continue
        found[same] = Video(line, name, reader.path(path), prompt, sections, tuple(edits))
    return list(found.values())


def read_edits(reader: Reader, value: Any, at: At) -> list[Edit]:
    """The edits of a list; two of one name are a mistake."""
    found: dict[str, Edit] = {}
    for place, entry in reader.entries(value, at, "edits"):
        line, before = reader.line(*place), len(reader.diagnostics)
        keys = reader.mapping(entry, place, _spelled(entry, _EDIT_KEYS), "An edit")
        own = {key: keys.pop(key) for key in ("name", "only", "except", "format") if key in keys}
        settings = reader.settings("edit", keys, _key_of(place))
        if own.get("format", "mp4") not in _FORMATS:
            cause = f"format is {own['format']!r}, but must be one of {', '.join(_FORMATS)}."
            reader.diagnostics.add(reader.line(*place, "format"), cause, "write format: mp4")
        made: list[Mapping[str, Any]] = [settings]
        with reader.diagnostics.at(line):
            made = _alternatives(settings)
        only, excepted = (reader.names(own.get(key), (*place, key), "videos") for key in ("only", "except"))
        for one in made:
            given = own["name"] if "name" in own else _edit_name(one)
            name = reader.name(given, (*place, "name"), "an edit")
            if name is None:
                break
            if "name" in own and len(made) > 1:
                name = cut_name(name, f"-{_edit_name({'swap': one['swap']})}")
            if name in found:
                cause = f"Two edits are called {name}, here and at line {found[name].line}."
                reader.diagnostics.add(line, cause, "give one of them another name:")
                continue
            sound = before == len(reader.diagnostics)
            found[name] = Edit(line, name, one, own.get("format", "mp4"), only, excepted, sound)
    return list(found.values())


def read_overrides(
    reader: Reader, value: Any, videos: list[Video], edits: list[Edit], variants: list[Variant]
) -> list[Override]:
    """The overrides; a name that nothing has is a mistake."""
    known = {
        "videos": [video.name for video in videos],
        "settings": [variant.name for variant in variants if variant.name],
        "edits": [edit.name for edit in [*edits, *(edit for video in videos for edit in video.edits)]],
    }
    found = []
    for at, entry in reader.entries(value, ("overrides",), "overrides"):
        keys = reader.mapping(entry, at, (*known, *SECTIONS), "An override")
        chosen = {}
        for key, names in known.items():
            chosen[key] = reader.names(keys.get(key), (*at, key), key)
            reader.known_names(chosen[key], names, (*at, key), key.removesuffix("s") if key != "settings" else key)
        found.append(Override(**chosen, sections=reader.sections(keys, at)))
    return found


def _key_of(at: At) -> Callable[[Any], At]:
    return lambda key: (*at, key)


def _spelled(entry: Any, known: tuple[str, ...]) -> tuple[Any, ...]:
    """``known``, and the keys of ``entry`` that differ from one by - for _ alone."""
    return (*known, *(key for key in entry if setting_name(key) in known)) if isinstance(entry, dict) else known


def _alternatives(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The settings of each edit that these ask for; swaps are still as they are typed. Raises UsageError."""
    made = alternatives(from_mapping(EditSettings, settings))
    if len(made) == 1:
        return [settings]
    return [{**settings, "swap": [as_typed(swap) for swap in one.words.swap]} for one in made]


def _edit_name(settings: Mapping[str, Any]) -> str:
    """A name for an edit that has none: its new words, then its weights."""
    swaps, weights = (
        [settings[key]] if isinstance(settings.get(key), str) else settings.get(key) or []
        for key in ("swap", "reweight")
    )
    words = [swap.partition("=")[2] for swap in swaps] or [settings.get("prompt") or ""]
    return slug("-".join([*filter(None, words), *weights])) or "edit"
