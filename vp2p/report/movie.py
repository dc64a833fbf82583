"""The clips and maps of a page under short ids, as its script finds them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from vp2p.report.content import Attention, Clip, Content, EditView, Maps
from vp2p.report.media import Media
from vp2p.report.overlays import coloured
from vp2p.report.tracks import track


@dataclass(frozen=True)
class ShownClip:
    """A source clip: its id, what the page calls it, and the address and name of its file."""

    id: str
    label: str
    file: str
    file_name: str


@dataclass(frozen=True)
class ShownEdit:
    """An edit with the ids of its clip, its source, its reconstruction and its mask; "" where there is none."""

    edit: EditView
    id: str
    source: str
    reconstruction: str
    mask: str
    file: str
    file_name: str


@dataclass(frozen=True)
class ShownWord:
    """A word's maps, their id, and the id of the clip that they lie over."""

    word: Maps
    group: Attention
    id: str
    source: str


@dataclass(frozen=True)
class Movie:
    """All that plays; ``data`` is what the script reads."""

    sources: tuple[ShownClip, ...]
    edits: tuple[ShownEdit, ...]
    words: tuple[ShownWord, ...]
    data: Mapping[str, Any]


def movie(content: Content, media: Media) -> Movie:
    """Puts every clip and map of ``content`` into ``media``.

    Raises:
        VideoError: a clip cannot be encoded.
    """
    clips: dict[str, Any] = {}
    maps: dict[str, Any] = {}
    kept: dict[str, np.ndarray] = {}

    def add_clip(id: str, clip: Clip | None) -> str:
        if clip is None:
            return ""
        # Edits of one inversion have the same reconstruction, which is kept once.
        same = next((other for other, frames in kept.items() if np.array_equal(frames, clip.frames)), None)
        if same is None:
            clips[id], kept[id] = track(clip.frames, media), clip.frames
        return same or id

    def add_maps(id: str, found: Maps | None) -> str:
        if found is None:
            return ""
        maps[id] = track(coloured(found), media) | {"sharp": found.kind == "mask"}
        return id

    sources, ids = [], {}
    for at, (key, clip) in enumerate(content.sources.items()):
        ids[key] = add_clip(f"s{at}", clip)
        label = "source" if len(content.sources) == 1 else key
        sources.append(ShownClip(ids[key], label, *_file(clip, media, f"{content.folder.name}-source")))
    edits = [
        ShownEdit(
            edit,
            add_clip(f"e{at}", edit.clip),
            ids[edit.source],
            add_clip(f"r{at}", edit.reconstruction),
            add_maps(f"m{at}", edit.mask),
            *_file(edit.clip, media, f"{content.folder.name}-{edit.name}"),
        )
        for at, edit in enumerate(content.edits)
    ]
    words = [
        ShownWord(word, group, add_maps(f"a{at}-{number}", word), ids[group.source])
        for at, group in enumerate(content.attention)
        if group.source in ids
        for number, word in enumerate(group.words)
    ]
    frames = max(one["frames"] for one in clips.values())
    bounds = content.source.timing.bounds(frames)
    lengths = [float(1000 * (after - before)) for before, after in zip(bounds, bounds[1:])]
    data = {"lengths": lengths, "frames": frames, "clips": clips, "maps": maps}
    return Movie(tuple(sources), tuple(edits), tuple(words), data)


def _file(clip: Clip, media: Media, name: str) -> tuple[str, str]:
    """The address of a clip as one file, and the name to save it under; frames alone are written as MP4."""
    if clip.file is not None and clip.file.is_file():
        return media.url(clip.file.read_bytes(), clip.file.suffix), name + clip.file.suffix
    from vp2p.video.writing import write_video

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        write_video(file, clip.frames, clip.timing)
        return media.url(file.read_bytes(), ".mp4"), f"{name}.mp4"
