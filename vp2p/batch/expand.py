"""The items of a plan: each video with each choice of settings and each edit that is for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vp2p.batch.entries import Edit, Override, Video
from vp2p.batch.reader import Reader, Sections, merged
from vp2p.batch.variants import Variant
from vp2p.schema import from_mapping
from vp2p.settings import SECTIONS

_MAX_ITEMS = 10_000


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
    format: str = "mp4"

    @property
    def like_its_video(self) -> bool:
        """Whether clip and model are as the video has them, apart from variants and overrides."""
        return all(self.sections[name] == self.base[name] for name in ("clip", "model"))


def expand(
    reader: Reader,
    defaults: Sections,
    videos: list[Video],
    edits: list[Edit],
    variants: list[Variant],
    overrides: list[Override],
) -> list[Item]:
    """Every video with every variant and each edit that is for it."""
    wanted = {video.name: _edits_of(video, edits) for video in videos}
    if sum(max(1, len(own)) for own in wanted.values()) * len(variants) > _MAX_ITEMS:
        reader.mistakes.add(1, f"The plan asks for more than {_MAX_ITEMS} results.", "split it into several plans")
        return []
    found = []
    for video in videos:
        base = merged(defaults, video.sections)
        for variant in variants:
            for edit in wanted[video.name] or [None]:
                if edit and not edit.sound:
                    continue
                own = {"edit": edit.settings} if edit else {}
                name = edit.name if edit else None
                over = [one.sections for one in overrides if one.fits(video.name, variant.name, name)]
                sections = merged(base, variant.sections, own, *over)
                line = edit.line if edit else video.line
                _check(reader, sections, video.line, line)
                found.append(
                    Item(
                        line,
                        video.line,
                        video.name,
                        variant.name,
                        name,
                        video.path,
                        video.prompt,
                        sections,
                        base,
                        edit.format if edit else "mp4",
                    )
                )
    return found


def _edits_of(video: Video, edits: list[Edit]) -> list[Edit]:
    """The plan's edits that are for the video, then its own; one of its own replaces one of the same name."""
    found = {edit.name: edit for edit in edits if edit.fits(video.name)}
    return list({**found, **{edit.name: edit for edit in video.edits if edit.fits(video.name)}}.values())


def _check(reader: Reader, sections: Sections, video: int, edit: int) -> None:
    """Settings that are right each by itself may still contradict each other."""
    for name, values in sections.items():
        with reader.mistakes.at(edit if name == "edit" else video):
            from_mapping(SECTIONS[name], values)
