"""Masks: what a video or pictures that outline an edit mean by white.

One rule a kind of mask, told where it is not the usual one: greys above the middle; labels (small numbers, the
colours of a palette, any colours) all but 0 or black; pictures with transparency whatever is not transparent.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings
from vp2p.video.pictures import to_rgb
from vp2p.video.reading import probe, read_clip, timeline
from vp2p.video.sampling import Timeline, choose

_COLOURED = 40  # difference of two channels that no grey mask has, however it was compressed
_LABELS = 32  # greys up to here are numbers of objects, in pictures that keep each value
_NOT_BLACK = 32
_FEW = 8  # different values, of which a picture without soft edges has no more
_SAME_SHAPE, _SAME_LENGTH = 0.02, 0.05


@dataclass(frozen=True)
class Match:
    """Which frames of a mask belong to a clip's: those that ``settings`` choose, by the times of the mask, or of the
    clip where those are given; ``notes`` tell of what does not fit."""

    settings: ClipSettings
    by_times: Timeline | None = None
    notes: tuple[str, ...] = ()


def match(path: Path, video: Path, clip: ClipSettings, count: int, what: str = "mask") -> Match:
    """How the mask at ``path`` goes with ``count`` frames that ``clip`` chose from a video, which may be gone.

    So it is for other videos that show something of the same frames; ``what`` names them in notes.

    One picture holds for all frames; as many frames as are edited are these; as many as the whole video has
    belong to its frames one by one; any others are taken by time, as the clip's are.

    Raises:
        VideoError: one of them cannot be read.
    """
    mask = probe(path)
    as_the_clip = dataclasses.replace(clip, frames=count, size=None)
    if not video.exists():
        return Match(ClipSettings(mask.frames) if mask.frames in (1, count) else as_the_clip)
    whole = probe(video)
    notes: tuple[str, ...] = ()
    if abs(mask.width * whole.height / (mask.height * whole.width) - 1) > _SAME_SHAPE:
        sizes = f"{mask.width}x{mask.height}, and the video {whole.width}x{whole.height}"
        notes = (f"the {what} is {sizes}: they do not have the same shape, so it may not lie where it should",)
    if mask.frames in (1, count):
        return Match(ClipSettings(mask.frames), None, notes)
    times = timeline(video)
    if mask.frames == len(times.times) and len(choose(times, clip).indices) == count:
        return Match(clip, times, notes)
    if abs(mask.seconds - whole.seconds) > max(_SAME_LENGTH * whole.seconds, float(1 / whole.rate)):
        told = f"the {what} has {mask.frames} frames in {mask.seconds:.2f} seconds, the video"
        told += f" {whole.frames} in {whole.seconds:.2f}: frames are matched by time, which may not fit"
        notes += (told,)
    return Match(as_the_clip, None, notes)


def read_mask(
    path: Path, settings: ClipSettings, by_times: Timeline | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Frames of a mask, uint8 RGB (F, H, W, 3) whose white is what it outlines, and notes for the user.

    Raises:
        VideoError: it cannot be read.
        UsageError: it has too few frames, or is black in all of them.
    """
    clip = read_clip(path, settings, _as_mask, by_times)
    frames = clip.frames
    brightest = frames.max(axis=-1)
    exact = clip.lossless
    if not brightest.any() or not exact and brightest.max() <= _LABELS:
        raise black(path)
    if int((brightest - frames.min(axis=-1)).max()) > _COLOURED:
        return _white(brightest > (0 if exact else _NOT_BLACK)), ("the mask has colours: all but black is outlined",)
    if brightest.max() > 127:
        return frames, ()
    if brightest.max() <= _LABELS or exact and len(np.unique(brightest)) <= _FEW:
        values = ", ".join(map(str, np.unique(brightest).tolist()))
        return _white(brightest > 0), (f"the mask holds the values {values}: all but 0 are outlined",)
    middle = int(brightest.max()) / 2
    return _white(brightest > middle), (
        f"the mask is no brighter than {int(middle * 2)}: above {middle:g} is outlined",
    )


def black(path: Path) -> UsageError:
    """Says that a mask outlines nothing."""
    return UsageError(
        f"The mask {path} is black in all frames, so nothing could change.", "make it white where to edit"
    )


def _white(outlined: np.ndarray) -> np.ndarray:
    white: np.ndarray = np.where(outlined[..., None], np.uint8(255), np.uint8(0))
    return white.repeat(3, axis=-1)


def _as_mask(image: Image.Image) -> np.ndarray:
    """A picture as RGB: its transparency where it has some, the labels of a coloured palette, 16-bit labels."""
    if image.has_transparency_data:
        alpha = np.array(image.convert("RGBA"))[..., 3]
        if alpha.min() < 255:
            return alpha[..., None].repeat(3, axis=-1)
    if image.mode == "P":
        colours = np.array(image.getpalette() or [0, 0, 0]).reshape(-1, 3)
        if np.ptp(colours, axis=1).max() > _COLOURED:
            return _white(np.array(image) > 0)
    if image.mode.startswith("I"):
        values = np.asarray(image, dtype=np.int64)
        if values.max(initial=0) <= 255:
            return np.clip(values, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=-1)
    return to_rgb(image)
