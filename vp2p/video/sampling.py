"""Which frames of a clip are edited: indices chosen from presentation times, without decoding.

The chosen frames play at ``rate`` from ``start`` to ``end``, so that frame i of the output shows
what the clip shows at about ``start + i / rate``: the clip's sound over that span stays in step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings

# Containers round times, some to a millisecond; a frame this little before --start still counts.
_SLACK = 1e-3


@dataclass(frozen=True)
class Timeline:
    """When each frame of a clip is shown.

    ``times`` holds seconds since the first frame, ascending, float64 of shape (n,); ``end`` is when
    the last frame leaves the screen; ``rate`` is the nominal rate in frames a second.
    """

    times: np.ndarray
    end: float
    rate: Fraction


@dataclass(frozen=True)
class Sampling:
    """Chosen frames: positions in the timeline, the rate they play at, the seconds they cover.

    ``total`` counts the frames that the span offered.
    """

    indices: tuple[int, ...]
    rate: Fraction
    start: float
    end: float
    total: int


def choose(timeline: Timeline, settings: ClipSettings, name: str = "the clip") -> Sampling:
    """Choose frames as ``settings`` says: spread evenly by time, every one, by --fps or by --stride.

    With ``fps`` or ``stride`` a number of ``frames`` takes the first so many of that grid.

    Raises:
        UsageError: the span lies outside the clip or holds no frame, or it has fewer frames than
            were asked for (the hint gives the number there is).
    """
    first, stop = _span(timeline, settings, name)
    times = timeline.times[first:stop]
    start = float(times[0])
    end = timeline.end if settings.end is None else min(settings.end, timeline.end)
    if settings.fps is not None:
        rate = Fraction(settings.fps).limit_denominator(100_000)
        chosen = _grid(times, end, settings.fps, name)
    else:
        stride = settings.stride or 1
        chosen = np.arange(0, len(times), stride)
        rate = _rate(times[chosen], timeline.rate / stride)
    if settings.frames != "all":
        count = int(settings.frames)
        if count > len(chosen):
            raise UsageError(
                f"--frames {count} is more than {name} has: {_describe(len(chosen), settings)}.",
                f"--frames {len(chosen)}, or --frames all",
            )
        if settings.fps is None and settings.stride is None:
            chosen = _spread(times, end, count)
            rate = _near(timeline.rate, Fraction((end - start) / count))
        chosen = chosen[:count]
    if settings.fps is not None or settings.stride is not None or settings.frames == "all":
        end = start + float(len(chosen) / rate)
    return Sampling(tuple(int(i) + first for i in chosen), rate, start, end, len(times))


def _span(timeline: Timeline, settings: ClipSettings, name: str) -> tuple[int, int]:
    """The first frame shown at or after --start, and the one past the last before --end."""
    low = settings.start or 0.0
    high = timeline.end if settings.end is None else settings.end
    if low >= timeline.end:
        raise UsageError(
            f"--start {low:g} is after the end of {name}, which lasts {timeline.end:.2f} seconds.",
            f"give a --start below {timeline.end:.2f}",
        )
    first = int(np.searchsorted(timeline.times, low - _SLACK))
    stop = len(timeline.times)
    if settings.end is not None:
        stop = int(np.searchsorted(timeline.times, high - _SLACK))
    if stop <= first:
        step = float(1 / timeline.rate)
        raise UsageError(
            f"No frame of {name} lies between {low:g} and {high:g} seconds; one comes about every {step:.3g} seconds.",
            "give a later --end or an earlier --start",
        )
    return first, stop


def _spread(times: np.ndarray, end: float, count: int) -> np.ndarray:
    """``count`` different frames, the nearest to the starts of equal shares of the span."""
    targets = times[0] + (end - times[0]) * np.arange(count) / count
    chosen = _nearest(times, targets)
    for i in range(1, count):  # a frame that is long on the screen is taken once
        chosen[i] = max(chosen[i], chosen[i - 1] + 1)
    return np.minimum(chosen, len(times) - count + np.arange(count))


def _grid(times: np.ndarray, end: float, fps: float, name: str) -> np.ndarray:
    """The frames nearest to a regular grid; one may come twice where the clip holds it long."""
    seconds = end - float(times[0])
    count = max(1, int(np.ceil(seconds * fps - 1e-6)))
    if count > len(times) + 1:  # one more than there are is rounding of the last frame's duration
        have = len(times) / seconds
        raise UsageError(
            f"--fps {fps:g} is more than {name} has: {len(times)} frames in {seconds:.2f} seconds.",
            f"--fps {have:.4g} or less",
        )
    return _nearest(times, times[0] + np.arange(count) / fps)


def _nearest(times: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each target the index of the nearest time; of two equally near, the earlier."""
    right = np.clip(np.searchsorted(times, targets), 1, max(len(times) - 1, 1))
    left = right - 1
    if len(times) == 1:
        return np.zeros(len(targets), dtype=int)
    later = times[right] - targets < targets - times[left] - 1e-6
    return np.where(later, right, left)


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
