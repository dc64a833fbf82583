"""An edit's motion as a page shows it: a strip of drawn frames, each with what it is."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from vp2p.compositing.followed import hard_frames, key_frames
from vp2p.report.content import Content, EditView
from vp2p.report.media import Media
from vp2p.report.motion import longest, marks, motion_drawn

_SIDE = 384  # pixels


@dataclass(frozen=True)
class StripFrame:
    """A frame's picture: its address, its size, the labels below it, and in words what it shows."""

    address: str
    width: int
    height: int
    labels: tuple[str, ...]
    told: str


@dataclass(frozen=True)
class Strip:
    """The frames of an edit, with the motion over them; ``longest`` in pixels, for what the longest arrow stands."""

    edit: EditView
    longest: float
    frames: tuple[StripFrame, ...]


def strips(content: Content, media: Media) -> tuple[Strip, ...]:
    """A strip of each edit whose motion is kept; pictures go through ``media``."""
    return tuple(_strip(content, edit, media) for edit in content.edits if edit.motions)


def _strip(content: Content, edit: EditView, media: Media) -> Strip:
    drawn = motion_drawn(content.sources[edit.source].frames, edit.motions, _SIDE)
    height, width = drawn.shape[1:3]
    frames = []
    for number, picture in enumerate(drawn):
        data = io.BytesIO()
        Image.fromarray(picture).save(data, "WEBP", quality=85)
        address = media.url(data.getvalue(), ".webp")
        frames.append(StripFrame(address, width, height, _labels(edit, number), _told(edit, number)))
    return Strip(edit, longest(edit.motions), tuple(frames))


def _labels(edit: EditView, frame: int) -> tuple[str, ...]:
    keys = key_frames(edit.motions)
    towards = [f"towards {_nearest(edit, frame)}"] if len(keys) > 1 and frame not in keys else []
    return (*towards, *(mark for mark, frames in marks(edit.motions).items() if frame in frames))


def _told(edit: EditView, frame: int) -> str:
    seen = [motion.certainty[frame][motion.mask[frame] > 0.5] for motion in edit.motions]
    certain = [float(one.mean()) for one in seen if len(one)]
    if not certain:
        return f"Frame {frame + 1}: the object is out of sight"
    if frame in key_frames(edit.motions):
        return f"Frame {frame + 1}, a key frame"
    hard = ", hard to follow" if frame in hard_frames(edit.motions) else ""
    return (
        f"Frame {frame + 1}{hard}: arrows from the object towards its place in frame {_nearest(edit, frame)}, "
        f"certain to {sum(certain) / len(certain):.0%}"
    )


def _nearest(edit: EditView, frame: int) -> str:
    return " and ".join(map(str, sorted({int(motion.nearest[frame]) + 1 for motion in edit.motions})))
