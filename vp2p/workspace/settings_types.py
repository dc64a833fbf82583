"""Settings in the records of runs: what must be there, and of which type, so that no later code meets another."""

from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any, Literal, Mapping

from vp2p.schema import from_record, options
from vp2p.settings import SECTIONS, AttentionSettings, MaskSettings
from vp2p.text import shorten

_TEXT = ("prompt", "target", "format", "from")
_MAPPINGS = ("model", "compute")
_SECTIONS: Mapping[str, type] = {
    **{name: cls for name, cls in SECTIONS.items() if name not in _MAPPINGS},
    "attention": AttentionSettings,
    "mask": MaskSettings,
}
# Of each stage, besides a section of its own name.
_NEEDED = {
    "source": (),
    "tune": ("tune", "model"),
    "attention": ("attention", "model", "prompt"),
    "mask": ("mask", "prompt"),
    "invert": ("invert", "model", "prompt"),
    "edit": ("edit", "model", "prompt", "target", "format"),
    "full": ("from", "prompt", "target"),
}


def check_settings(stage: str, settings: Any) -> None:
    """Raises ValueError if the recorded settings of a run of ``stage`` hold a value of a wrong type."""
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise ValueError("its settings are no mapping")
    for name, value in settings.items():
        if name in _TEXT and not isinstance(value, str):
            raise ValueError(f"its {name} is {shorten(value)}")
        if name in _MAPPINGS:
            plain = isinstance(value, dict) and all(isinstance(one, (str, type(None))) for one in value.values())
            if not plain:
                raise ValueError(f"its {name} is {shorten(value)}")
        if stage != "source" and name in _SECTIONS:
            _check_section(name, value)


def lacking(stage: str, settings: Mapping[str, Any]) -> str | None:
    """What the recorded settings of a run of ``stage`` need and lack, or None."""
    return next((name for name in _NEEDED[stage] if name not in settings), None)


def _check_section(name: str, values: Any) -> None:
    if not isinstance(values, dict):
        raise ValueError(f"its {name} settings are {shorten(values)}")
    kinds = _kinds(_SECTIONS[name])
    for key, value in from_record(values).items():
        # What a newer version added is passed over.
        if key in kinds and not _is_of(value, kinds[key]):
            raise ValueError(f"{name}.{key} is {shorten(value)}")


def _is_of(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, list):
        return list in kinds and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds)


@cache
def _kinds(cls: type) -> Mapping[str, tuple[type, ...]]:
    """The plain types that each option of a settings class may have in a record."""
    return {one.name: tuple(_plain(one.type)) for one in options(cls)}


def _plain(hint: Any) -> list[type]:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return [kind for one in typing.get_args(hint) for kind in _plain(one)]
    if origin is Literal:
        return [str]
    if origin is tuple:
        return [list]
    return [int, float] if hint is float else [hint]
