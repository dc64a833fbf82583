"""The items of a plan: each video with each choice of settings and each edit that is for it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from vp2p.batch.plan.entries import Edit, Entries, Video
from vp2p.batch.plan.matrix import Variant
from vp2p.batch.plan.reader import Reader, Sections, merged
from vp2p.prompts.alternatives import single
from vp2p.schema import from_mapping
from vp2p.settings import SECTIONS, EditSettings
from vp2p.stages.edited import Format

_MAX_ITEMS = 10_000
SEVERAL = r"write the alternatives in the plan's edits: a bar of a word itself is \|"
"""What to do where alternatives stand in a section of settings, which make no edits."""


@dataclass(frozen=True)
class Item:
    """One result that a plan asks for.

    ``line`` is the edit's, ``video_line`` the video's. ``sections`` are the settings that the plan says,
    by section; ``base`` those of the video apart from variants, edits and overrides. ``edit`` is None
    where the inversion is all that is wanted.
    """

    line: int
    video_line: int
    video: str
    settings: str | None
    edit: str | None
    path: Path
    prompt: str
    sections: Sections
    base: Sections
    format: Format = "mp4"

    @property
    def like_its_video(self) -> bool:
        """Whether clip and model are as the video has them, apart from variants and overrides."""
        return all(self.sections[name] == self.base[name] for name in ("clip", "model"))


def expand(reader: Reader, entries: Entries) -> list[Item]:
    """Every video with every variant and each edit that is for it."""
    wanted = {video.name: _edits_of(video, entries.edits) for video in entries.videos}
    if sum(max(1, len(own)) for own in wanted.values()) * len(entries.variants) > _MAX_ITEMS:
        reader.diagnostics.add(1, f"The plan asks for more than {_MAX_ITEMS} results.", "split it into several plans")
        return []
    found = []
    for video in entries.videos:
        edits: list[Edit | None] = [*wanted[video.name]] or [None]
        for variant, edit in product(entries.variants, edits):
            if edit is None or edit.sound:
                item = _item(entries, video, variant, edit)
                _check(reader, item)
                found.append(item)
    return found


def _item(entries: Entries, video: Video, variant: Variant, edit: Edit | None) -> Item:
    base = merged(entries.defaults, video.sections)
    own = {"edit": edit.settings} if edit else {}
    name = edit.name if edit else None
    over = [one.sections for one in entries.overrides if one.fits(video.name, variant.name, name)]
    return Item(
        line=edit.line if edit else video.line,
        video_line=video.line,
        video=video.name,
        settings=variant.name,
        edit=name,
        path=video.path,
        prompt=video.prompt,
        sections=merged(base, variant.sections, own, *over),
        base=base,
        format=edit.format if edit else "mp4",
    )


def _edits_of(video: Video, edits: list[Edit]) -> list[Edit]:
    """The plan's edits that are for the video, then its own; one of its own replaces one of the same name."""
    found = {edit.name: edit for edit in edits if edit.fits(video.name)}
    return list({**found, **{edit.name: edit for edit in video.edits if edit.fits(video.name)}}.values())


def _check(reader: Reader, item: Item) -> None:
    """Settings that are right each by itself may still contradict each other."""
    for name, values in item.sections.items():
        with reader.diagnostics.at(item.line if name == "edit" else item.video_line):
            settings: Any = from_mapping(SECTIONS[name], values)
            if isinstance(settings, EditSettings):
                single(settings, SEVERAL)
