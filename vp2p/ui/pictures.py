"""Pictures of a workspace for the page: frames to draw on, the mask that was drawn, and words' attention."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vp2p.compositing.pixels import spread
from vp2p.errors import ArtifactError, UsageError
from vp2p.report.attention import attention_of
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.source import load_frames
from vp2p.ui.jobs import FOLDER
from vp2p.video.heat import heat_overlay
from vp2p.video.reading import SpanFrames
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.atomic import check_unlinked, write_bytes

_LONGEST = 768  # pixels of a frame to draw on
_OFFERED = 12  # frames to draw on, at most
_SHOWN = 3  # frames of a word's attention


@dataclass(frozen=True)
class Frame:
    """A picture to paint on: its place among the clip's frames, from 0, its address, and its size in pixels."""

    place: int
    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Seen:
    """Where the model sees a word: the word, a note, and the address of a picture of some frames."""

    word: str
    note: str
    address: str


def frames_to_mark(workspace: Workspace) -> list[Frame]:
    """Frames spread over the clip, the first one first, in the video's own shape: a mask is fitted as the clip is.

    Raises:
        Vp2pError: neither the video nor its kept frames can be read.
    """
    if not workspace.video.is_file():
        kept = _source(workspace)
        return [_to_mark(place, kept[place]) for place in spread(len(kept), _OFFERED)]
    span = SpanFrames(workspace.video, workspace.config.clip)
    places = spread(len(span.sampled), _OFFERED)
    read = sorted({span.sampled[place] for place in places})  # a frame may stand for several
    found = {index: _to_mark(0, pixels) for index, pixels in zip(read, span.each(read))}
    return [dataclasses.replace(found[span.sampled[place]], place=place) for place in places]


def _to_mark(place: int, pixels: np.ndarray) -> Frame:
    image = Image.fromarray(pixels)
    scale = _LONGEST / max(image.size)  # a small clip is enlarged, too: a hand is finer than its pixels
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    return Frame(place, _address(np.asarray(image)), image.width, image.height)


def keep_mask(workspace: Workspace, painted: str) -> str | None:
    """Keeps what was painted as a picture, white there; returns its path from the workspace, None if nothing was.

    Args:
        painted: a PNG as a ``data:`` address, painted where it is not transparent.

    Raises:
        UsageError: it is none.
        ArtifactError: the disk refuses.
    """
    if not painted:
        return None
    try:
        image = Image.open(io.BytesIO(base64.b64decode(painted.partition(",")[2], validate=True)), formats=["PNG"])
        if max(image.size) > _LONGEST:
            raise ValueError("larger than what can be painted on")
        mask = np.asarray(image.convert("RGBA"))[..., 3] > 127
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's for a broken PNG
        raise UsageError("The mask cannot be read.", "paint it again") from error
    if not mask.any():
        return None
    data = io.BytesIO()
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(data, "PNG")
    digest = hashlib.sha256(data.getvalue()).hexdigest()[:12]
    place = Path(FOLDER) / "masks" / f"{digest}.png"
    check_unlinked(workspace.folder / FOLDER, (workspace.folder / place).parent)
    write_bytes(workspace.folder / place, data.getvalue())
    return place.as_posix()


def attention(workspace: Workspace) -> list[Seen]:
    """Where the model sees each word, by the newest maps.

    Raises:
        ArtifactError: the maps or the frames are damaged.
    """
    found = attention_of(workspace)
    if not found:
        return []
    run = workspace.by_name("source", found[-1].source.partition("/")[2])
    frames = load_frames(run).pixels
    chosen = spread(len(frames), _SHOWN)
    return [
        Seen(one.label, one.note, _address(np.hstack([*heat_overlay(frames, one.values)[chosen]])))
        for one in found[-1].words
    ]


def thumbnail(run: RunFolder) -> str:
    """The address of a small picture of an edit; empty where it cannot be read."""
    try:
        frames = every_frame(edited_file(run))
    except (ArtifactError, UsageError):
        return ""
    return _address(frames[len(frames) // 2], 160)


def _source(workspace: Workspace) -> np.ndarray:
    newest = workspace.newest("source")
    if newest is None:
        raise ArtifactError(f"{workspace.folder.name} holds no frames.", "vp2p tune")
    return load_frames(newest).pixels


def _address(pixels: np.ndarray, longest: int = 1200) -> str:
    """A picture as an address that holds it."""
    image, data = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    image.save(data, "WEBP", quality=88)
    return f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
