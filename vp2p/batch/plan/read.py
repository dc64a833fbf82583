"""``plan.yaml``, read whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from vp2p.batch.plan.diagnostics import Diagnostics
from vp2p.batch.plan.document import read_document
from vp2p.batch.plan.entries import Edit, Entries, Video, read_edits, read_overrides, read_videos
from vp2p.batch.plan.items import Item, expand
from vp2p.batch.plan.matrix import read_variants
from vp2p.batch.plan.reader import Reader, Sections, merged
from vp2p.batch.plan.resources import Resources, read_resources
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
    """A plan without mistakes, but for those that only the model can tell; ``resources`` are by stage."""

    path: Path
    workspaces: Path
    items: tuple[Item, ...]
    resources: Mapping[str, Resources] = field(default_factory=dict)


def read_plan(path: Path) -> tuple[Plan, Diagnostics]:
    """The plan in the file ``path``, and its mistakes; what is mistaken is left out of the plan.

    Raises:
        UsageError: the file cannot be read.
        PlanError: it is no YAML that a plan could be.
    """
    diagnostics = Diagnostics(path)
    reader = Reader(read_document(path, diagnostics), diagnostics)
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
    items = expand(reader, Entries(defaults, videos, edits, variants, overrides))
    resources = _resources(reader, keys.get("resources"))
    return Plan(path, reader.path(workspaces), tuple(items), resources), diagnostics


def _check_format(reader: Reader, found: Any) -> None:
    if type(found) is int and found > FORMAT:
        cause = f"The plan has format {found}, but this vp2p reads up to {FORMAT}."
        reader.diagnostics.add(reader.line("format"), cause, "pip install --upgrade vp2p")
    elif type(found) is not int or found != FORMAT:
        cause = f"format is {found!r}, but must be {FORMAT}."
        reader.diagnostics.add(reader.line("format"), cause, f"write format: {FORMAT}")


def _template(reader: Reader, name: Any) -> Sections:
    if name is None or not reader.text(name, ("template",), "template"):
        return {}
    with reader.diagnostics.at(reader.line("template")):
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
                    reader.diagnostics.add(edit.line, cause, f"videos: {', '.join(names) or 'none'}")


def _resources(reader: Reader, value: Any) -> dict[str, Resources]:
    found = {}
    for stage, entry in reader.mapping(value, ("resources",), STAGES, "resources").items():
        at = ("resources", stage)
        values = reader.mapping(entry, at, ("cpus", "gpus", "memory"), f"The resources of {stage}")
        for key in values:
            with reader.diagnostics.at(reader.line(*at, key)):
                read_resources({key: values[key]})
        try:
            found[stage] = read_resources(values)
        except UsageError:  # noted with its line just now
            continue
    return found
