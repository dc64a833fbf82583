"""The index of several workspaces' reports: a card each."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath
from urllib.parse import quote

import numpy as np
from PIL import Image

from vp2p.report.content import Content
from vp2p.report.media import Media
from vp2p.report.render import page

_MOST_PICTURES = 4
_LONGEST = 256  # pixels


@dataclass(frozen=True)
class Card:
    """A workspace on the index; ``pictures`` are (label, address) of the middle frames of its clips."""

    name: str
    prompt: str
    link: str
    edits: int
    model: str
    pictures: tuple[tuple[str, str], ...]


def card(content: Content, link: str, media: Media) -> Card:
    """The card of a workspace whose report is at ``link``, a path from the index."""
    clips = [("source", content.source), *((edit.name, edit.clip) for edit in content.edits)]
    pictures = tuple((label, media.url(_picture(clip.frames), ".webp")) for label, clip in clips[:_MOST_PICTURES])
    address = quote(PurePath(link).as_posix())
    return Card(content.folder.name, content.prompt, address, len(content.edits), content.facts["model"], pictures)


def render_index(cards: list[Card]) -> str:
    """The index page."""
    return page("index.html", ("theme.js",), cards=cards)


def _picture(frames: np.ndarray) -> bytes:
    image = Image.fromarray(frames[len(frames) // 2])
    image.thumbnail((_LONGEST, _LONGEST), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "WEBP", quality=88)
    return data.getvalue()
