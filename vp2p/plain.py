"""Plain values from YAML and JSON that anybody may have written: read within bounds, or refused with a reason."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from vp2p.errors import UsageError
from vp2p.text import one_line, shorten

_MOST_BYTES = 4 << 20
_MOST_EVENTS = 100_000
_MOST_VALUES = 100_000  # counted as often as aliases repeat them
_DEEPEST = 40
# The C loader is ten times faster; builds of PyYAML without it read the same.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def is_number(value: object) -> bool:
    """Whether a plain value is a number that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of too many digits
        return False


class PlainError(ValueError):
    """A text that holds no plain values. ``line`` and ``column`` count from 1; None where they are not known."""

    def __init__(self, reason: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.line, self.column = reason, line, column

    @property
    def where(self) -> str:
        """`` at line 3, column 5``; empty where it is not known."""
        return "" if self.line is None else f" at line {self.line}, column {self.column}"


def read_yaml(data: bytes | str) -> Any:
    """The value of a YAML text: mappings, lists and scalars, no tags of other kinds.

    Raises:
        PlainError: it is no YAML, or too large, nested too deeply, says a key twice, or refers to itself.
    """
    if len(data) > _MOST_BYTES:
        raise PlainError(f"it is larger than {_MOST_BYTES} bytes")
    try:
        _check_events(data)
        value = yaml.load(data, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = one_line(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error))
        raise PlainError(reason, *((mark.line + 1, mark.column + 1) if mark else ())) from error
    except (ValueError, TypeError, RecursionError, OverflowError, AttributeError) as error:
        if isinstance(error, PlainError):
            raise
        raise PlainError(one_line(str(error))) from error
    _check_value(value)
    return value


def read_user_yaml(path: Path, data: bytes | str | None = None) -> Any:
    """The value of a YAML file that a user wrote.

    Args:
        data: what the file holds, where it is read already.

    Raises:
        UsageError: the file cannot be read, or is not YAML; the cause names the file and the line.
    """
    try:
        return read_yaml(path.read_bytes() if data is None else data)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", f"make {path} a file you may read") from error
    except PlainError as error:
        raise UsageError(f"{path} is not valid YAML{error.where}: {error.reason}.", f"correct {path}") from error


def read_json(data: bytes | str) -> Any:
    """The value of a JSON text. Raises PlainError as :func:`read_yaml`, and for NaN and infinity."""
    try:
        value = json.loads(data, parse_constant=_no_number)
    except RecursionError as error:
        raise PlainError("it is nested too deeply") from error
    except ValueError as error:
        raise PlainError(one_line(str(error))) from error
    _check_value(value)
    return value


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _check_events(data: bytes | str) -> None:
    """Refuses what is too large, too deep, or says a key twice, before anything is built of it."""
    open_: list[tuple[set[str], list[bool]] | None] = []  # of a mapping its keys, and whether a key comes next
    for count, event in enumerate(yaml.parse(data, Loader=_Loader)):
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        if count > _MOST_EVENTS:
            raise PlainError("it holds too much", line, column)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            open_.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if open_ and (mapping := open_[-1]) is not None:
            keys, key_next = mapping
            if key_next[0] and isinstance(event, yaml.ScalarEvent):
                if event.value in keys:
                    raise PlainError(f"the key {shorten(event.value)} is there twice", line, column)
                keys.add(event.value)
            key_next[0] = not key_next[0]
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            open_.append((set(), [True]) if isinstance(event, yaml.MappingStartEvent) else None)
            if len(open_) > _DEEPEST:
                raise PlainError("it is nested too deeply", line, column)


def _check_value(value: Any) -> None:
    left = _MOST_VALUES
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            left -= 1
            if left < 0 or len(inner) > left:
                raise PlainError("its aliases repeat too much")
        if not inner:
            return
        level = inner
    raise PlainError("it is nested too deeply")
