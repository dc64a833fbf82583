"""Which frames of a clip are edited: chosen from presentation times, without decoding.

A frame is on the screen from its time until the next one's, so what a clip shows at a time is the last frame
at or before it. The chosen frames play from ``start`` to ``end``: the clip's sound over that span stays in step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings

# Containers round times, some to a millisecond; a frame this little after a time still counts as shown at it.
_SLACK = 1e-3
# Frames that come at most this share of a frame early or late play at one rate: nobody sees it.
_UNEVEN = 0.25


@dataclass(frozen=True)
class Timeline:
    """When each frame of a clip is shown.

    ``times`` holds seconds since the first frame, ascending, float64 of shape (n,); ``end`` is when
    the last frame leaves the screen; ``rate`` is the nominal rate in frames a second.
    """

    times: np.ndarray
    end: float
    rate: Fraction

    @property
    def step(self) -> float:
        """Seconds between the two frames that follow each other soonest."""
        gaps = np.diff(self.times)
        gaps = gaps[gaps > _SLACK]
        nominal = float(1 / self.rate)
        return min(float(gaps.min()), nominal) if len(gaps) and not _is_even(self.times, self.rate) else nominal


@dataclass(frozen=True)
class Sampling:
    """Chosen frames: positions in the timeline, and when they play.

    They play at ``rate`` frames a second, from ``start`` to ``end`` seconds of the clip. Where their times are
    uneven, ``shown`` says when each appears, in seconds after ``start``; ``rate`` is then the mean one.
    ``total`` counts the frames that the span offered; ``notes`` are for the user.
    """

    indices: tuple[int, ...]
    rate: Fraction
    start: float
    end: float
    total: int
    shown: tuple[float, ...] | None = None
    notes: tuple[str, ...] = field(default=())


def choose(timeline: Timeline, settings: ClipSettings, name: str = "the clip") -> Sampling:
    """Choose frames as ``settings`` says: spread evenly by time, every one, by --fps or by --stride.

    With ``fps`` or ``stride`` a number of ``frames`` takes the first so many of that grid. A frame that the
    clip holds for long is taken as often as the grid meets it.

    Raises:
        UsageError: the span lies outside the clip, or it has fewer frames than were asked for (the
            hint gives the number there is).
    """
    first, stop, start = _span(timeline, settings, name)
    end = timeline.end if settings.end is None else min(settings.end, timeline.end)
    times = np.maximum(timeline.times[first:stop], start)
    evenly = settings.fps is None and settings.stride is None and settings.frames != "all"
    count = None if settings.frames == "all" else int(settings.frames)
    if evenly:
        have = max(len(times), round((end - start) / timeline.step))
    elif settings.fps is not None:
        have = _grid_size(timeline, start, end, settings.fps, name)
    else:
        have = len(range(0, len(times), settings.stride or 1))
    if count is not None and count > have:
        raise UsageError(
            f"--frames {count} is more than {name} has: {_describe(have, settings)}.",
            f"--frames {have}, or --frames all",
        )
    count = have if count is None else count
    if evenly or settings.fps is not None:
        if settings.fps is not None:
            rate = Fraction(settings.fps).limit_denominator(100_000)
            end = start + count / settings.fps
        else:
            rate = _near(timeline.rate, Fraction((end - start) / count))
        chosen = _shown_at(times, start + (end - start) * np.arange(count) / count)
        found = Sampling(_indices(first, chosen), rate, start, end, len(times), None, _repeated(times, chosen))
    else:
        found = _every(timeline, times, first, end, (settings.stride or 1, count))
    return found


def _every(timeline: Timeline, times: np.ndarray, first: int, end: float, grid: tuple[int, int]) -> Sampling:
    """Every ``stride``-th frame, ``count`` of them, each when it is shown; ``grid`` is stride and count."""
    stride, count = grid
    start = float(times[0])
    chosen = np.arange(count) * stride
    cut = count * stride < len(times)
    end = float(times[count * stride]) if cut else end
    rate = _rate(times[chosen], timeline.rate / stride) if count > 1 else _near(timeline.rate, Fraction(end - start))
    shown = times[chosen] - start
    held = end - start - float(count / rate)  # seconds that the last frame stays for longer than the others
    if _is_even(shown, rate) and (cut or count == 1 or held < 1 / rate):
        return Sampling(_indices(first, chosen), rate, start, start + float(count / rate), len(times))
    rate = Fraction(count / (end - start)).limit_denominator(1000)
    notes = ("the frames come at uneven times: MP4, GIF and WebP keep them, PNG pictures cannot",)
    return Sampling(_indices(first, chosen), rate, start, end, len(times), tuple(shown.tolist()), notes)


def _span(timeline: Timeline, settings: ClipSettings, name: str) -> tuple[int, int, float]:
    """The frame that is shown at --start, the one past the last before --end, and when the span starts.

    It starts with its first frame where that is less than a frame's time before --start: so frames that come
    evenly stay even. One that is held for longer is cut at --start.
    """
    low = settings.start or 0.0
    if low >= timeline.end:
        raise UsageError(
            f"--start {low:g} is after the end of {name}, which lasts {timeline.end:.2f} seconds.",
            f"give a --start below {timeline.end:.2f}",
        )
    first = max(int(np.searchsorted(timeline.times, low + _SLACK, side="right")) - 1, 0)
    start = float(timeline.times[first])
    if low - start >= timeline.step:
        start = low
    stop = len(timeline.times)
    if settings.end is not None:
        stop = max(int(np.searchsorted(timeline.times, settings.end - _SLACK)), first + 1)
    return first, stop, start


def _grid_size(timeline: Timeline, start: float, end: float, fps: float, name: str) -> int:
    """How many points a regular grid has over the span. Raises UsageError if it is finer than the clip's own."""
    seconds = end - start
    count = max(1, int(np.ceil(seconds * fps - 1e-6)))
    most = seconds / timeline.step
    if count > most + 1:  # one more than there are is rounding of the last frame's duration
        frames = int(((timeline.times >= start - _SLACK) & (timeline.times < end)).sum())
        raise UsageError(
            f"--fps {fps:g} is more than {name} has: {frames} frames in {seconds:.2f} seconds.",
            f"--fps {1 / timeline.step:.4g} or less",
        )
    return count


def _shown_at(times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each target time the place of the frame that is on the screen then."""
    return np.maximum(np.searchsorted(times, targets + _SLACK, side="right") - 1, 0)


def _indices(first: int, chosen: np.ndarray) -> tuple[int, ...]:
    return tuple(int(first + place) for place in chosen)


def _repeated(times: np.ndarray, chosen: np.ndarray) -> tuple[str, ...]:
    again = len(chosen) - len(set(chosen.tolist()))
    if not again:
        return ()
    what = "1 frame repeats" if again == 1 else f"{again} frames repeat"
    return (f"{what} the one before, because the clip holds it for that long",)


def _is_even(times: np.ndarray, rate: Fraction) -> bool:
    """Whether frames at these times, from the first one on, can play at one rate."""
    late = np.abs(times - times[0] - np.arange(len(times)) / float(rate))
    return bool(late.max() <= max(_UNEVEN / float(rate), _SLACK))


def _rate(times: np.ndarray, nominal: Fraction) -> Fraction:
    if len(times) < 2:
        return nominal
    return _near(nominal, Fraction(float(times[-1] - times[0]) / (len(times) - 1)))


def _near(nominal: Fraction, step: Fraction) -> Fraction:
    """The rate of a step in seconds: the nominal one if that close, else a fraction with small terms."""
    if abs(step * nominal - 1) < Fraction(1, 1000):
        return nominal
    return 1 / step.limit_denominator(100_000)


def _describe(have: int, settings: ClipSettings) -> str:
    """Say how many frames there are, and which options made them so few."""
    limits = [(name, getattr(settings, name)) for name in ("start", "end", "fps", "stride")]
    given = " ".join(f"--{name} {value:g}" for name, value in limits if value is not None)
    frames = "1 frame" if have == 1 else f"{have} frames"
    return f"{frames} with {given}" if given else frames
