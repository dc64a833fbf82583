"""``plan.yaml``, read whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from vp2p.batch.document import read_document
from vp2p.batch.entries import Edit, Video, read_edits, read_overrides, read_videos
from vp2p.batch.expand import Item, expand
from vp2p.batch.mistakes import Mistakes
from vp2p.batch.needs import Needs, read_needs
from vp2p.batch.reader import Reader, Sections, merged
from vp2p.batch.variants import read_variants
from vp2p.config.templates import read_template
from vp2p.errors import UsageError
from vp2p.settings import SECTIONS

FORMAT = 1
KEYS = (
    "format",
    "workspaces",
    "template",
    "defaults",
    "videos",
    "settings",
    "matrix",
    "edits",
    "overrides",
    "resources",
)
STAGES = ("tune", "invert", "edit")


@dataclass(frozen=True)
class Plan:
    """A plan without mistakes, but for those that only the model can tell; ``needs`` are by stage."""

    path: Path
    workspaces: Path
    items: tuple[Item, ...]
    needs: Mapping[str, Needs] = field(default_factory=dict)


def read_plan(path: Path) -> tuple[Plan, Mistakes]:
    """The plan in the file ``path``, and its mistakes; what is mistaken is left out of the plan.

    Raises:
        UsageError: the file cannot be read.
        PlanError: it is no YAML that a plan could be.
    """
    mistakes = Mistakes(path)
    reader = Reader(read_document(path, mistakes), mistakes)
    keys = reader.mapping(reader.document.root, (), KEYS, "The plan")
    _check_format(reader, keys.get("format"))
    defaults = merged(
        _template(reader, keys.get("template")),
        reader.sections(
            reader.mapping(keys.get("defaults"), ("defaults",), tuple(SECTIONS), "defaults"), ("defaults",)
        ),
    )
    videos = read_videos(reader, keys.get("videos"))
    edits = read_edits(reader, keys.get("edits"), ("edits",))
    variants = read_variants(reader, keys.get("settings"), keys.get("matrix"))
    overrides = read_overrides(reader, keys.get("overrides"), videos, edits, variants)
    _check_videos(reader, videos, edits)
    workspaces = reader.text(keys.get("workspaces", "workspaces"), ("workspaces",), "workspaces") or "workspaces"
    items = expand(reader, defaults, videos, edits, variants, overrides)
    return Plan(path, reader.path(workspaces), tuple(items), _needs(reader, keys.get("resources"))), mistakes


def _check_format(reader: Reader, found: Any) -> None:
    if type(found) is int and found > FORMAT:
        cause = f"The plan has format {found}, but this vp2p reads up to {FORMAT}."
        reader.mistakes.add(reader.line("format"), cause, "pip install --upgrade vp2p")
    elif type(found) is not int or found != FORMAT:
        cause = f"format is {found!r}, but must be {FORMAT}."
        reader.mistakes.add(reader.line("format"), cause, f"write format: {FORMAT}")


def _template(reader: Reader, name: Any) -> Sections:
    if name is None or not reader.text(name, ("template",), "template"):
        return {}
    with reader.mistakes.at(reader.line("template")):
        return read_template(str(reader.path(name)) if name.endswith((".yaml", ".yml")) else name)
    return {}


def _check_videos(reader: Reader, videos: list[Video], edits: list[Edit]) -> None:
    """Edits may name videos of the plan only."""
    names = [video.name for video in videos]
    for edit in [*edits, *(edit for video in videos for edit in video.edits)]:
        for chosen in (edit.only, edit.excepted):
            for name in chosen or ():
                if name not in names:
                    cause = f"The edit {edit.name} is for a video {name!r}, which the plan does not have."
                    reader.mistakes.add(edit.line, cause, f"videos: {', '.join(names) or 'none'}")


def _needs(reader: Reader, value: Any) -> dict[str, Needs]:
    found = {}
    for stage, entry in reader.mapping(value, ("resources",), STAGES, "resources").items():
        at = ("resources", stage)
        values = reader.mapping(entry, at, ("cpus", "gpus", "memory"), f"The resources of {stage}")
        for key in values:
            with reader.mistakes.at(reader.line(*at, key)):
                read_needs({key: values[key]})
        try:
            found[stage] = read_needs(values)
        except UsageError:  # noted with its line just now
            continue
    return found
