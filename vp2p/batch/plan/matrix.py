"""The variants of a plan: named choices of settings, each with every cell of the matrix."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Callable, NamedTuple

from vp2p.batch.plan.document import At
from vp2p.batch.plan.reader import Reader, Sections, merged, slug
from vp2p.settings import SECTIONS
from vp2p.workspace.identity import identity
from vp2p.workspace.names import cut_name

_MAX_VARIANTS = 1000


@dataclass(frozen=True)
class Variant:
    """One named choice of settings; ``name`` is None where a plan has no choice."""

    name: str | None = None
    sections: Sections = field(default_factory=dict)


class _Chosen(NamedTuple):
    """One value of the matrix. Cells are named as the plan writes the setting, which may be an old name."""

    section: str
    setting: str
    value: Any
    written: str


def read_variants(reader: Reader, settings: Any, matrix: Any) -> list[Variant]:
    """Every named variant with every cell of the matrix; one without a name where there is neither."""
    variants: dict[str, Variant] = {}
    for at, entry in reader.entries(settings, ("settings",), "settings"):
        keys = reader.mapping(entry, at, ("name", *SECTIONS), "A variant of settings")
        name = reader.name(keys.get("name"), (*at, "name"), "a variant of settings")
        sections = reader.sections(keys, at)
        if name in variants:
            reader.diagnostics.add(reader.line(*at), f"Two variants are called {name}.", "give one another name:")
        elif name is not None:
            variants[name] = Variant(name, sections)
    cells = _cells(reader, matrix)
    if len(variants or [None]) * len(cells) > _MAX_VARIANTS:
        cause = f"settings and matrix make more than {_MAX_VARIANTS} variants."
        reader.diagnostics.add(reader.line("matrix"), cause, "leave out values")
        return [Variant()]
    return [
        Variant(_joined(variant.name, cell.name), merged(variant.sections, cell.sections))
        for variant, cell in itertools.product(variants.values() or [Variant()], cells)
    ]


def _cells(reader: Reader, matrix: Any) -> list[Variant]:
    """The cells of the matrix, each named by its values."""
    if matrix is not None and not isinstance(matrix, dict):
        reader.diagnostics.add(reader.line("matrix"), "matrix must hold keys.", "matrix: {tune.steps: [100, 300]}")
    axes: list[list[_Chosen]] = []
    size = 1
    for key, values in (matrix if isinstance(matrix, dict) else {}).items():
        at = ("matrix", key)
        section, _, setting = str(key).partition(".")
        if section not in SECTIONS or not setting:
            cause = f"The matrix key {key!r} names no setting."
            reader.diagnostics.add(reader.line(*at), cause, "write SECTION.SETTING, such as tune.steps")
            continue
        axis = []
        for place, value in reader.entries(values, at, str(key)):
            kept = reader.settings(section, {setting: value}, _always(place))
            axis += [_Chosen(section, name, entry, setting.replace("-", "_")) for name, entry in kept.items()]
        size *= max(1, len(axis))
        axes += [axis] if axis and size <= _MAX_VARIANTS else []
    if size > _MAX_VARIANTS:
        cause = f"The matrix has more than {_MAX_VARIANTS} cells."
        reader.diagnostics.add(reader.line("matrix"), cause, "leave out values")
        return [Variant()]
    plain = [axis[0].written for axis in axes]
    return [_cell(chosen, plain) for chosen in itertools.product(*axes)]


def _always(at: At) -> Callable[[Any], At]:
    return lambda _: at


def _cell(chosen: tuple[_Chosen, ...], plain: list[str]) -> Variant:
    """One cell; a setting is named with its section where another section has one of that name."""
    sections: Sections = {}
    words = []
    for one in chosen:
        sections.setdefault(one.section, {})[one.setting] = one.value
        key = one.written if plain.count(one.written) == 1 else f"{one.section}.{one.written}"
        words.append(slug(f"{key.replace('_', '-')}-{one.value}"))
    return Variant("-".join(words) or None, sections)


def _joined(*names: str | None) -> str | None:
    """The names in one, short enough for a name; what is cut is told apart by a digest."""
    name = "-".join(filter(None, names))
    if len(name) > 40 or len(name.encode("utf-8")) > 120:
        name = cut_name(name[:24], "-" + identity("settings", {"name": name})[:8])
    return name or None
