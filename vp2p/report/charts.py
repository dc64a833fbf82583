"""Curves as SVG geometry: a polyline, axes with round ticks, in a fixed box that scales with the page."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vp2p.report.content import Curve

WIDTH, HEIGHT = 560, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 44
_SMOOTHED_FROM = 20  # points from which on a smoothed line is drawn over the raw one


@dataclass(frozen=True)
class Chart:
    """A drawn curve. ``line`` and ``smooth`` are the points of polylines, ``ticks`` are (place, text)."""

    curve: Curve
    line: str
    smooth: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def chart(curve: Curve) -> Chart:
    """The geometry of a curve with at least one point."""
    y = [math.log10(value) for value in curve.y] if curve.log else list(curve.y)
    y_values = _decades(min(y), max(y)) if curve.log else _round_steps(min(0.0, *y), max(y), 5)
    x_values = _round_steps(min(curve.x), max(curve.x), 6, whole=True)
    low, high = min(*y, *y_values), max(*y, *y_values)
    first, last = min(*curve.x, *x_values), max(*curve.x, *x_values)

    def at_x(value: float) -> float:
        return round(LEFT + (value - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT), 2)

    def at_y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - low) / ((high - low) or 1.0) * (HEIGHT - TOP - BOTTOM), 2)

    def points(values: list[float]) -> str:
        return " ".join(f"{at_x(x)},{at_y(value)}" for x, value in zip(curve.x, values))

    return Chart(
        curve,
        points(y),
        points(_smoothed(y)) if len(y) >= _SMOOTHED_FROM else "",
        tuple((at_x(value), f"{value:g}") for value in x_values),
        tuple((at_y(value), f"{10**value:.3g}" if curve.log else f"{value:.4g}") for value in y_values),
    )


def _round_steps(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """Up to about ``most`` round numbers from just below ``low`` to ``high``."""
    span = (high - low) or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(span / most))
    step = next(step * factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    step = max(step, 1) if whole else step
    first = math.floor(low / step + 1e-9)
    return [step * number for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _decades(low: float, high: float) -> list[float]:
    """Logarithms of 1, 10, 100, …; between them of 2 and 5 where there are few decades."""
    first, last = math.floor(low), math.ceil(high)
    if last - first > 2:
        step = math.ceil((last - first) / 6)
        return [float(value) for value in range(first, last + 1, step)]
    values = [power + math.log10(factor) for power in range(first, last + 1) for factor in (1, 2, 5)]
    inside = [value for value in values if low - 0.31 <= value <= high + 0.31]
    return inside or [float(first), float(max(last, first + 1))]


def _smoothed(values: list[float]) -> list[float]:
    """The mean of each point's neighbourhood, a tenth of the curve wide."""
    reach = max(2, len(values) // 20)
    windows = (values[max(0, at - reach) : at + reach + 1] for at in range(len(values)))
    return [sum(window) / len(window) for window in windows]
