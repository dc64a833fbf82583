"""The numbers that a setting may have: which are refused, how a message tells the others, and a few to try."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator

_NEXT = 2  # how many round numbers to try on each side


@dataclass(frozen=True)
class Limits:
    """From ``least`` to ``most``; with ``above`` and ``below`` these two themselves are left out.

    ``words`` may stand in place of a number. ``usual`` is where to look for numbers to try, if no default says it.
    """

    least: float = -math.inf
    most: float = math.inf
    above: bool = False
    below: bool = False
    words: tuple[str, ...] = ()
    usual: float = 2

    def allow(self, value: object) -> bool:
        """Whether a value, a number or a word, is within them."""
        if not isinstance(value, (int, float)):
            return value in self.words
        over = value > self.least if self.above else value >= self.least
        return over and (value < self.most if self.below else value <= self.most)

    def __str__(self) -> str:
        if self.most == math.inf:
            told = f"more than {self.least}" if self.above else f"{self.least} or more"
        elif self.above:
            told = f"more than {self.least}, at most {self.most}"
        elif self.below:
            told = f"{self.least} or more, and less than {self.most}"
        else:
            told = f"between {self.least} and {self.most}"
        return ", or ".join([told, *self.words])

    def some(self, default: Any, whole: bool) -> list[str]:
        """A few values as they are typed: the default, then words, and round numbers near it.

        Args:
            default: a number, one of the words, or None.
            whole: whether only whole numbers are values.
        """
        number = isinstance(default, (int, float))
        about = default if number and default > 0 else self.usual
        near = [one for one in _round_numbers(about) if self.allow(one) and not (whole and one % 1)]
        below, above = [one for one in near if one < about], [one for one in near if one > about]
        values = [*below[-_NEXT:], *([about] if self.allow(about) else []), *above[:_NEXT]]
        first = [default] if number else []
        return list(dict.fromkeys([*map(_typed, first), *self.words, *map(_typed, values)]))


def _round_numbers(about: float) -> Iterator[float]:
    """1, 2, 5, 10, 20, 50, … in three decades."""
    power = math.floor(math.log10(about))
    return (float(f"{digit}e{at}") for at in (power - 1, power, power + 1) for digit in (1, 2, 5))


def _typed(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"
