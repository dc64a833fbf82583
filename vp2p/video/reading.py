"""Reading a clip: any video, GIF, animated WebP or folder of images, as chosen upright RGB frames."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Callable, Iterator, Sequence

import numpy as np

from vp2p.errors import VideoError
from vp2p.settings import ClipSettings
from vp2p.text import typed
from vp2p.video.pictures import AnimationSource, Convert, FolderSource, is_picture
from vp2p.video.sampling import Sampling, Timeline, choose
from vp2p.video.streams import StreamSource
from vp2p.video.timing import Timing

Source = StreamSource | AnimationSource | FolderSource


@dataclass(frozen=True)
class ClipInfo:
    """What a clip is. ``width`` and ``height`` are pixels after turning upright; ``seconds`` is the
    duration, ``rate`` the nominal rate in frames a second, ``audio`` the sound's codec or None."""

    path: Path
    width: int
    height: int
    frames: int
    seconds: float
    rate: Fraction
    codec: str
    audio: str | None


@dataclass(frozen=True)
class ChosenFrames:
    """Chosen frames of a clip.

    ``frames`` is uint8 RGB of shape (F, H, W, 3) at native size; ``times`` their presentation times,
    float64 seconds of shape (F,) since the clip's first frame; ``rate`` the frame rate at which they
    play over the span from ``start`` to ``end`` seconds, or, where they are uneven, the mean one, with
    ``shown`` the seconds after ``start`` at which each appears; ``total`` the frames that the span offered;
    ``notes`` what a user should know of how the clip was read; ``lossless`` whether its values are as written.
    """

    frames: np.ndarray
    times: np.ndarray
    rate: Fraction
    start: float
    end: float
    total: int
    shown: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()
    lossless: bool = False

    @property
    def timing(self) -> Timing:
        """When the frames are shown."""
        return Timing(self.rate, (self.start, self.end), self.shown)


def probe(path: Path) -> ClipInfo:
    """What the clip at ``path`` is, from its packets and its first frame.

    Of a file cut short, ``frames`` may count some that do not decode; ``read_clip`` passes over them.

    Raises:
        VideoError: there is no such file, or it is no clip that can be read.
    """
    source = _source(Path(path))
    line = source.timeline
    width, height = source.size
    return ClipInfo(Path(path), width, height, len(line.times), line.end, line.rate, source.codec, source.audio)


def timeline(path: Path) -> Timeline:
    """When each frame of the clip at ``path`` is shown. Raises VideoError as :func:`probe` does."""
    return _source(Path(path)).timeline


def read_clip(
    path: Path,
    settings: ClipSettings,
    convert: Convert | None = None,
    by_times: Timeline | None = None,
    fitted: Callable[[np.ndarray], np.ndarray] | None = None,
) -> ChosenFrames:
    """The frames of the clip at ``path`` that ``settings`` choose; no others are held in memory.

    Args:
        convert: from a picture that Pillow reads to uint8 RGB (H, W, 3), in place of the usual.
        by_times: of another clip of as many frames, which are chosen in place of this one's by time.
        fitted: what is made of each frame, uint8 (H, W, 3), before the next one is read.

    Raises:
        VideoError: there is no such file, or it is no clip that can be read.
        UsageError: the clip has fewer frames than were asked for, or none in the span.
    """
    source, sampling, frames = _chosen(Path(path), settings, convert, by_times, fitted)
    return ChosenFrames(
        frames=np.stack([frames[i] for i in sampling.indices]),
        times=source.timeline.times[list(sampling.indices)],
        rate=sampling.rate,
        start=sampling.start,
        end=sampling.end,
        total=sampling.total,
        shown=sampling.shown,
        notes=(*source.notes, *sampling.notes),
        lossless=source.lossless,
    )


class SpanFrames:
    """Every frame that a clip shows over the span that ``settings`` take: what lies between the chosen ones, too.

    ``sampled`` holds, for each chosen frame, its place among all; ``timing`` says when all are shown. ``size`` is
    width and height in pixels; ``notes`` say how the frames differ from the clip's own. ``len()`` counts the frames.

    Raises:
        VideoError, UsageError: see :func:`read_clip`.
    """

    def __init__(self, path: Path, settings: ClipSettings) -> None:
        self._source, sampling, _ = _chosen(Path(path), settings)
        span = ClipSettings("all", start=sampling.start, end=sampling.end)
        every = choose(self._source.timeline, span, Path(path).name)
        self._indices = every.indices
        self.timing = Timing(every.rate, (every.start, every.end), every.shown)
        self.sampled = tuple(index - every.indices[0] for index in sampling.indices)
        self.size = self._source.size
        tone = self._source.tone if isinstance(self._source, StreamSource) else None
        self.notes = (tone.note,) if tone else ()

    def __len__(self) -> int:
        return len(self._indices)

    def each(self, places: Sequence[int]) -> Iterator[np.ndarray]:
        """The frames at rising places, uint8 RGB (H, W, 3); for one that does not decode comes the one before it.

        They are read one after the other, and only one is held in memory.
        """
        found = self._source.each([self._indices[place] for place in places])
        _, picture = next(found)
        after = next(found, None)
        for place in places:
            while after is not None and after[0] <= self._indices[place]:
                picture, after = after[1], next(found, None)
            yield picture


def _chosen(
    path: Path,
    settings: ClipSettings,
    convert: Convert | None = None,
    by_times: Timeline | None = None,
    fitted: Callable[[np.ndarray], np.ndarray] | None = None,
) -> tuple[Source, Sampling, dict[int, np.ndarray]]:
    """The clip at ``path``, which frames are chosen, and these by index; see :func:`read_clip`."""
    source = _source(path, convert)
    sampling = choose(by_times or source.timeline, settings, path.name)
    frames = _decoded(source, sampling, fitted)
    if isinstance(source, StreamSource) and len(frames) < len(set(sampling.indices)):
        # The packets promised frames that do not decode (a file cut short): choose from those that do.
        source = StreamSource(path, by_decoding=True)
        sampling = choose(source.timeline, settings, path.name)
        frames = _decoded(source, sampling, fitted)
    return source, sampling, frames


def _decoded(
    source: Source, sampling: Sampling, fitted: Callable[[np.ndarray], np.ndarray] | None
) -> dict[int, np.ndarray]:
    if fitted is None:
        return source.decode(sampling.indices)
    return {index: fitted(picture) for index, picture in source.each(sampling.indices)}


def _source(path: Path, convert: Convert | None = None) -> Source:
    if not os.path.exists(path):
        raise VideoError(f"There is no file or folder {path}.", "check the path to the clip")
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise VideoError(f"You may not read {path}.", f"chmod u+rX {typed(str(path))}")
    if path.is_dir():
        return FolderSource(path, convert)
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes).", "copy or download the clip again")
    return AnimationSource(path, convert) if is_picture(path) else StreamSource(path)
