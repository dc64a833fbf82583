"""What is known of a figure, so that every table, page and file shows it alike; and of a metric, how it is taken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Literal

Need = Literal["frames", "source", "kept", "motion", "images", "objects", "text", "lpips"]
"""A part of a :class:`vp2p.metrics.sample.Sample`."""

_ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


@dataclass(frozen=True)
class Figure:
    """How a figure is shown.

    Args:
        name: its key in JSON.
        title: for people.
        better: which values are better; None if neither are.
        digits: how many follow the point. Of a share that is shown in ``%``, of the percentage.
        unit: ``dB``, ``%``, or empty.
        meaning: what it says, in one line.
    """

    name: str
    title: str
    better: Literal["higher", "lower"] | None
    digits: int
    unit: str
    meaning: str

    @property
    def heading(self) -> str:
        """The title, with an arrow to the better values."""
        return self.title + _ARROWS[self.better]

    def text(self, value: float | None) -> str:
        """A value without its unit; a dash where there is none."""
        if value is None or math.isnan(value):
            return "–"
        return f"{100 * value:.{self.digits}f}%" if self.unit == "%" else f"{value:.{self.digits}f}"


@dataclass(frozen=True)
class Metric(Figure):
    """A figure, and how it is taken of a clip.

    Args:
        function: gives the value, or None where there is none; takes the parts of ``needs``, in this order.
        needs: a clip that lacks one of them is not measured. One with ``source`` compares a clip with its source;
            the others are taken of the source's own frames too.
    """

    function: Callable[..., float | None]
    needs: tuple[Need, ...]
