"""Options declared once, and what follows from that: plain values to settings and back, and what enters an identity.

A settings class is a frozen dataclass whose fields are made by :func:`option`, or are such classes
themselves. Nested or not, each option has one flat name, on the command line, in YAML and in records.
"""

from __future__ import annotations

import difflib
import types
import typing
import warnings
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Callable, Hashable, Literal, Mapping, TypeVar

from vp2p.errors import UsageError
from vp2p.limits import Limits
from vp2p.plain import is_number
from vp2p.text import shorten

T = TypeVar("T")

RENAMED: Mapping[str, str] = {"carry": "propagate", "tries": "candidates", "apart": "per_phrase"}
"""What options were called, and are called now. Old names are understood for one release.

Records and identities keep the old names for good, so that finished runs stay up to date.
"""
_IN_RECORDS = {now: then for then, now in RENAMED.items()}
_ALWAYS_THERE = object()
_TYPES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


class RenamedWarning(DeprecationWarning):
    """An option was given by its old name. The command line shows it as a note."""


def option(
    default: Any,
    help: str,
    *,
    flat: str | None = None,
    expert: bool = False,
    before: Any = _ALWAYS_THERE,
    said: Callable[[Any], Any] | None = None,
) -> Any:
    """A field of a settings class, with the sentence that ``--help`` says of it.

    Args:
        flat: its name outside of its class, where that is another: ``blend_threshold``.
        expert: the help shows it at the end, among what experts change and ablations need.
        before: of an option added later, the value that does what was done before; see :func:`identifying`.
        said: brings what YAML or Python may give to the form in which the value is held, such as 512 to "512".
    """
    told = {"help": help, "expert": expert, "flat": flat, "said": said}
    return field(default=default, metadata=told if before is _ALWAYS_THERE else {**told, "before": before})


@dataclass(frozen=True)
class Option:
    """One option of a settings class.

    ``name`` is its flat name; ``path`` says where its value stands: ``("blend", "threshold")``. ``limits`` are those of
    a number, which stand in the annotation of its type.
    """

    name: str
    path: tuple[str, ...]
    type: Any
    default: Any
    metadata: Mapping[str, Any]
    limits: Limits | None = None

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The types that its value may have, but None."""
        return tuple(kind for kind in _kinds(self.type) if kind is not type(None))

    @property
    def help(self) -> str:
        return str(self.metadata["help"])

    @property
    def expert(self) -> bool:
        return bool(self.metadata["expert"])

    @property
    def is_text(self) -> bool:
        """Whether it takes texts of any form."""
        return all(kind is str or typing.get_origin(kind) is tuple for kind in self.kinds)

    @property
    def choices(self) -> tuple[str, ...]:
        """The words of which it takes one; none where it takes something else."""
        return tuple(
            word for kind in self.kinds if typing.get_origin(kind) is Literal for word in typing.get_args(kind)
        )

    def of(self, settings: Any) -> Any:
        """Its value in ``settings``."""
        for name in self.path:
            settings = getattr(settings, name)
        return settings


def options(cls: type) -> tuple[Option, ...]:
    """The options of a settings class, in their order."""
    return _options(typing.cast(Hashable, cls))


@cache
def _options(cls: Any) -> tuple[Option, ...]:
    found: list[Option] = []
    for name, hint in _fields(cls).items():
        if is_dataclass(hint):
            group = options(typing.cast(type, hint))
            found += [replace(one, path=(name, *one.path)) for one in group]
        else:
            (entry,) = (entry for entry in fields(cls) if entry.name == name)
            flat = entry.metadata["flat"] or name
            found.append(Option(flat, (name,), hint, entry.default, entry.metadata, _limits(cls).get(name)))
    return tuple(found)


def check_limits(settings: Any) -> None:
    """Raises UsageError for an option of its class, in no group, that is outside of its limits."""
    for name, limits in _limits(typing.cast(Hashable, type(settings))).items():
        value = getattr(settings, name)
        if value is not None and not limits.allow(value):
            (one,) = (one for one in options(type(settings)) if one.path == (name,))
            raise out_of_limits(one.name, value, str(limits))


def out_of_limits(name: str, value: object, wanted: str) -> UsageError:
    """The mistake that an option has a value other than is wanted."""
    return UsageError(f"{name} is {shorten(value)}, but must be {wanted}.", f"give --{name.replace('_', '-')} {wanted}")


def setting_name(key: Any) -> str:
    """The name of the setting that a key of a YAML mapping means; the bare key null comes as None.

    An old name becomes the new one, with a :class:`RenamedWarning`.
    """
    name = "null" if key is None else str(key).replace("-", "_")
    now = RENAMED.get(name)
    if now is None:
        return name
    warnings.warn(f"{name} is called {now} now; the old name works for one more release", RenamedWarning, stacklevel=2)
    return now


def from_mapping(cls: type[T], values: Mapping[str, Any]) -> T:
    """Settings of class ``cls`` from plain values by flat name, such as a YAML mapping.

    Raises:
        UsageError: for an unknown key (names the nearest known one) or a value of a wrong type.
    """
    known = {one.name: one for one in options(cls)}
    checked = {}
    for key, value in values.items():
        name = setting_name(key)
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else "known: " + ", ".join(known)
            raise UsageError(f"There is no setting {shorten(key)}.", meant)
        said = known[name].metadata["said"]
        checked[known[name].path] = _convert(cls.__name__, name, known[name].type, said(value) if said else value)
    return _built(cls, checked)


def to_mapping(settings: Any) -> dict[str, Any]:
    """The settings as plain values that YAML and JSON can hold, by flat name."""
    values = {one.name: one.of(settings) for one in options(type(settings))}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def to_record(settings: Any) -> dict[str, Any]:
    """:func:`to_mapping` as records of runs hold it: by the names that options had at first."""
    return {_IN_RECORDS.get(name, name): value for name, value in to_mapping(settings).items()}


def from_record(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in the record of a run, by the names that options have now."""
    return {RENAMED.get(name, name): value for name, value in values.items()}


def identifying(settings: Any) -> dict[str, Any]:
    """:func:`to_record` as it enters an identity: without options added later that do what was done before.

    So a run that was made before an option existed has the identity that it would have now.
    """
    values = to_record(settings)
    for name, value in before(type(settings)).items():
        name = _IN_RECORDS.get(name, name)
        if values[name] == (list(value) if isinstance(value, tuple) else value):
            del values[name]
    return values


def before(cls: type) -> dict[str, Any]:
    """The options that records of older runs may lack, with the value that those runs had."""
    return {one.name: one.metadata["before"] for one in options(cls) if "before" in one.metadata}


@cache
def _fields(cls: Any) -> Mapping[str, Any]:
    """The fields of a settings class with their types, whose texts are read once."""
    hints = typing.get_type_hints(cls)
    return {entry.name: hints[entry.name] for entry in fields(cls)}


@cache
def _limits(cls: Any) -> Mapping[str, Limits]:
    """The limits of numbers by field."""
    found: dict[str, Limits] = {}
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        for kind in (hint, *typing.get_args(hint)):
            for one in getattr(kind, "__metadata__", ()):
                found[name] = one
    return found


def _built(cls: type[T], values: Mapping[tuple[str, ...], Any]) -> T:
    """Settings of values by their paths."""
    given: dict[str, Any] = {}
    for name, hint in _fields(typing.cast(Hashable, cls)).items():
        if is_dataclass(hint):
            given[name] = _built(
                typing.cast(type, hint), {path[1:]: one for path, one in values.items() if path[0] == name}
            )
        elif (name,) in values:
            given[name] = values[(name,)]
    return cls(**given)


def _convert(cls_name: str, name: str, hint: Any, value: Any) -> Any:
    """``value`` as the type that the field's annotation names, or a UsageError."""
    kinds = _kinds(hint)
    for kind in kinds:
        origin = typing.get_origin(kind)
        if kind is type(None) and value is None:
            return None
        if origin is Literal and value in typing.get_args(kind):
            return value
        if origin is tuple and isinstance(value, str):
            return (value,)
        if origin is tuple and isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        if kind is float and is_number(value):
            return float(value)
        if kind in (int, bool, str) and type(value) is kind:
            return value
    wanted = " or ".join(_told(kind) for kind in kinds if kind is not type(None))
    raise UsageError(
        f"{name} is {shorten(value)}, but must be {wanted}.",
        f"correct {name} ({cls_name.removesuffix('Settings').lower()} settings)",
    )


def _kinds(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)


def _told(kind: Any) -> str:
    """A type as messages name it."""
    if typing.get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, typing.get_args(kind)))
    return "a list of words" if typing.get_origin(kind) is tuple else _TYPES[kind]
