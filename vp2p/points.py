"""Points in a clip as they are typed: ``120,80`` in pixels, ``40%,60%`` of the picture, ``120,80@3`` in a frame."""

from __future__ import annotations

import re
from typing import NamedTuple

from vp2p.errors import UsageError
from vp2p.text import shorten

_NUMBER = r"\d+(?:\.\d+)?"
_TYPED = re.compile(rf"(-?)({_NUMBER})(%?),({_NUMBER})\3(?:@([1-9]\d*))?", re.ASCII)
_NEARLY = re.compile(rf"(-?)({_NUMBER})(%?),(-?)({_NUMBER})(%?)(?:(@)(.*))?", re.ASCII)
_LONGEST = 60


class Point(NamedTuple):
    """A place in a frame, which is counted from 0; ``inside`` is False where it is not what is looked for.

    ``x`` and ``y`` are pixels from the top left, or with ``percent`` hundredths of the picture.
    """

    x: float
    y: float
    percent: bool
    frame: int
    inside: bool

    @classmethod
    def read(cls, text: str) -> Point:
        """The point that ``text`` names. Raises UsageError if it names none."""
        found = _TYPED.fullmatch(text.replace(" ", "")) if len(text) <= _LONGEST else None
        if found is None:
            raise _refused(text)
        minus, x, percent, y, frame = found.groups()
        if percent and max(float(x), float(y)) > 100:
            raise UsageError(f"mask_point is {shorten(text)}, but no percent is above 100.", "--mask-point 50%,50%")
        return cls(float(x), float(y), bool(percent), int(frame or 1) - 1, not minus)

    def __str__(self) -> str:
        sign = "%" if self.percent else ""
        return f"{'' if self.inside else '-'}{self.x:g}{sign},{self.y:g}{sign}@{self.frame + 1}"


def _refused(text: str) -> UsageError:
    """What is wrong with a text that names no point, and the one that it may mean."""
    nearly = _NEARLY.fullmatch(text.replace(" ", "")) if len(text) <= _LONGEST else None
    if nearly is None:
        return UsageError(
            f"mask_point is {shorten(text)}, but must be two numbers with a comma.",
            "give --mask-point 120,80 in pixels, 40%,60% of the picture, or 120,80@3 in the third frame",
        )
    minus, x, percent, below, y, other, at, _ = nearly.groups()
    if percent != other:
        wrong, percent = "its numbers must be both pixels or both percents", "%"
    elif below:
        wrong, minus = "a minus stands before both numbers, for what does not belong", "-"
    else:
        wrong, at = "its frame must be a whole number from 1 on", "@1"
    meant = f"{minus}{x}{percent},{y}{percent}{'@1' if at else ''}"
    return UsageError(f"mask_point is {shorten(text)}, but {wrong}.", f"--mask-point={meant}")
