r"""A grid of edits: every combination of some values, as ``reweight=red:1,2,3 cross_replace=0.2,0.4``.

Values stand behind the first equals sign, between commas; ``\,`` is a comma itself. Of a setting that is said of a
word, the word is named once.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from vp2p.config.change import example, known_option, read_value
from vp2p.errors import UsageError
from vp2p.prompts.alternatives import MOST, alternatives
from vp2p.schema import from_mapping, options, setting_name, to_mapping
from vp2p.settings import SIGNS, EditSettings
from vp2p.text import quoted, typed

_EXAMPLE = "write it like --grid reweight=red:1,2,3 cross_replace=0.2,0.4"
_COMMA = r"\,"  # inside a value
_OF_WORDS = {"swap": "cat=dog,rabbit", "reweight": "red:1,2,3", "window": "dog=0:0.4,0:0.8"}


@dataclass(frozen=True)
class Axis:
    """A setting, and its values as they are typed; those of a word with the word, such as ``red:2``."""

    name: str
    values: tuple[str, ...]

    @property
    def word(self) -> str:
        """The word that the values are of; empty where they are of none."""
        sign = SIGNS.get(self.name)
        return self.values[0].partition(sign)[0].strip() if sign else ""

    def put(self, settings: EditSettings, value: str) -> EditSettings:
        """The settings with one of the values. Raises UsageError where it cannot be one."""
        flat = to_mapping(settings)
        sign = SIGNS.get(self.name)
        if sign:
            others = [text for text in flat[self.name] if text.partition(sign)[0].strip() != self.word]
            flat[self.name] = [*others, value]
        else:
            flat[self.name] = [value] if self.name == "blend" else _read(self.name, value)
        return from_mapping(EditSettings, flat)


@dataclass(frozen=True)
class Cell:
    """One edit of a grid, and its value on each axis."""

    settings: EditSettings
    values: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """The edits of a grid; those that differ in the last axis alone follow each other."""

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]


def read_grid(asked: Sequence[EditSettings], texts: Sequence[str], said: Mapping[str, Any] | None = None) -> Grid:
    """The grid of these axes for each of the edits; several edits are the first axis.

    Args:
        said: the options that are given beside the grid.

    Raises:
        UsageError: a malformed axis, an unknown setting, a wrong value, more than 16 combinations, or an axis of what
            is ``said`` already.
    """
    axes = tuple(map(_axis, texts))
    for axis in axes:
        _refuse_said(axis, (said or {}).get(axis.name))
    for one, other in itertools.combinations(axes, 2):
        if (one.name, one.word) == (other.name, other.word):
            told = f"{one.name} of {one.word}" if one.word else one.name
            raise UsageError(f"The grid names {told} twice.", "give all its values together, between commas")
    count = len(asked) * math.prod(len(axis.values) for axis in axes)
    if count > MOST:
        raise UsageError(
            f"This grid makes {count} edits, but one command makes at most {MOST}.",
            "give fewer values at a time; those that are made already are not made again",
        )
    cells = []
    for settings in asked:
        own = (", ".join(settings.words.swap),) if len(asked) > 1 else ()
        for values in itertools.product(*(axis.values for axis in axes)):
            cells.append(Cell(_put(settings, axes, values), own + values))
    if len(asked) > 1:
        axes = (Axis("swap", tuple(", ".join(one.words.swap) for one in asked)), *axes)
    return Grid(axes, tuple(cells))


def _refuse_said(axis: Axis, value: Any) -> None:
    sign = SIGNS.get(axis.name)
    words = [text.partition(sign)[0].strip() for text in value or ()] if sign else []
    if axis.word in words if sign else value is not None:
        option = f"--{axis.name.replace('_', '-')}"
        raise UsageError(f"{option} and the grid both say {axis.word or axis.name}.", f"leave out {option}")


def _put(settings: EditSettings, axes: Sequence[Axis], values: Sequence[str]) -> EditSettings:
    for axis, value in zip(axes, values):
        settings = axis.put(settings, value)
        if axis.name == "swap":  # the others hold no marks of alternatives any more
            made = alternatives(from_mapping(EditSettings, {"swap": value}))
            if len(made) > 1:
                raise UsageError(f"The value {quoted(value, 80)} holds a bar.", "write --grid swap=cat=dog,rabbit")
            settings = axis.put(settings, made[0].words.swap[0])
    return settings


def _axis(text: str) -> Axis:
    key, sign, rest = text.partition("=")
    name = setting_name(key.strip().removeprefix("--"))
    known = [one.name for one in options(EditSettings)]
    form = _form(name) if name in known else _EXAMPLE
    if not sign or not key.strip():
        raise UsageError(f"{quoted(text, 80)} is no axis of a grid.", form)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean --grid {near[0]}={rest}?" if near and rest.isprintable() else _EXAMPLE
        raise UsageError(f"An edit has no setting {quoted(key.strip(), 80)}.", hint)
    values = [value.strip().replace(_COMMA, ",") for value in re.split(r"(?<!\\),", rest)]
    if not all(values):
        raise UsageError(f"The axis {quoted(text, 80)} has an empty value.", form)
    whole = rest.strip().replace(_COMMA, ",")
    if name not in SIGNS and len(values) > 1 and _fits(name, whole) and not all(_fits(name, one) for one in values):
        again = typed(f"{name}={whole.replace(',', _COMMA)}")
        raise UsageError(f"The axis {quoted(text, 80)} has a comma inside a value.", f"--grid {again}")
    if name in SIGNS:
        values = _of_one_word(text, values, SIGNS[name], form)
    return Axis(name, tuple(dict.fromkeys(values)))


def _read(name: str, value: str) -> Any:
    """The plain value of a setting that is of no word. Raises UsageError where it cannot be one."""
    return read_value(f"edit.{name}", value, f"--grid {name}={{}}")


def _fits(name: str, value: str) -> bool:
    try:
        _read(name, value)
    except UsageError:
        return False
    return True


def _form(name: str) -> str:
    """How an axis of a known setting is written."""
    value = _OF_WORDS.get(name) or example(known_option(f"edit.{name}"))
    return f"write it like --grid {name}={value}" if value else f"write it like --grid {name}=A,B"


def _of_one_word(text: str, values: Sequence[str], sign: str, form: str) -> list[str]:
    """The values with the word that the first of them names."""
    word, found, _ = values[0].partition(sign)
    if not found:
        raise UsageError(f"The axis {quoted(text, 80)} names no word.", form)
    if any(sign in value and not value.startswith(word + sign) for value in values):
        raise UsageError(f"The axis {quoted(text, 80)} names two words.", "give each word an axis of its own")
    return [value if sign in value else word + sign + value for value in values]
