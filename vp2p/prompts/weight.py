"""One weight of a word as it is typed: ``red:2``, or ``red:0->3`` from the first step of an edit to its last."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from vp2p.errors import PromptError
from vp2p.text import quoted

_TO = "->"
_PLAIN = re.compile(r"[\w#-]+")


@dataclass(frozen=True)
class Weight:
    """What the attention of the word called ``name`` is multiplied by at the first step, and at the last."""

    name: str
    first: float
    last: float
    changes: bool

    @property
    def idle(self) -> bool:
        """Whether it leaves the word as it is."""
        return self.first == self.last == 1

    @classmethod
    def read(cls, text: str) -> Weight:
        """The weight of a ``word:weight`` or ``word:first->last`` text. Raises PromptError."""
        name, separator, value = text.rpartition(":")
        hint = _examples((name or text.partition("=")[0]).strip())
        if not separator or not name.strip():
            raise PromptError(f"{quoted(text, 200)} is not a word and its weight.", hint)
        first, to, last = value.partition(_TO)
        if not first.strip() or to and not last.strip():
            raise PromptError(f"{quoted(text, 200)} lacks a number.", hint)
        return cls(name.strip(), _number(first, hint), _number(last if to else first, hint), bool(to))


def weight_notes(reweights: tuple[str, ...]) -> tuple[str, ...]:
    """A sentence for each weight that changes with the steps, or that leaves its word as it is."""
    weights = [(text, Weight.read(text)) for text in reweights]
    changes = (
        f"{one.name} weighs {one.first:g} at the first step, and {one.last:g} at the last"
        for _, one in weights
        if one.changes
    )
    idle = (
        f"--reweight {text} changes nothing: a weight of 1 leaves a word as it is" for text, one in weights if one.idle
    )
    return (*changes, *idle)


def _examples(word: str) -> str:
    word = word if _PLAIN.fullmatch(word) and word.isprintable() else "red"
    return f'write it like --reweight {word}:2, or --reweight "{word}:0{_TO}3"'


def _number(text: str, hint: str) -> float:
    lost = text.endswith("-")  # what a shell leaves of an arrow
    return finite(text, "--reweight", f"the shell takes > for itself, so quotes are needed: {hint}" if lost else hint)


def finite(text: str, option: str, hint: str) -> float:
    """The number that a text of an option is. Raises PromptError, with the hint, if it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise PromptError(f"{quoted(text, 80)} in {option} is not a number.", hint)
    return value
