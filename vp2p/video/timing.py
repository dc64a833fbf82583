"""When the frames of a clip that is written are shown, and which span of the source's sound goes with them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Timing:
    """Frames that play at ``rate`` a second over ``span``, the seconds of the source that they cover.

    Uneven ones have ``shown``, the seconds after the span's start at which each appears; ``rate`` is then the
    mean one.
    """

    rate: Fraction
    span: tuple[float, float] | None = None
    shown: tuple[float, ...] | None = None

    def bounds(self, count: int) -> list[Fraction]:
        """When each of ``count`` frames appears and, last, when the last one goes: seconds from 0 on."""
        if self.shown is None or len(self.shown) != count:
            return [index / self.rate for index in range(count + 1)]
        end = self.span[1] - self.span[0] if self.span else self.shown[-1] + float(1 / self.rate)
        return [Fraction(time).limit_denominator(1_000_000) for time in (*self.shown, end)]
