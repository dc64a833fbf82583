"""What differs between runs: their recorded settings, key by key."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from vp2p.schema import before, from_record
from vp2p.settings import SECTIONS

# Said for the record alone, or said better by the edit's target and by the model's dtype.
_UNSAID = frozenset({"from", "compute", "edit.prompt", "edit.swap"})
_MISSING = object()


def flat(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A run's recorded settings by ``section.name``; options added after it was made have the value of before."""
    found: dict[str, Any] = {}
    for key, value in recorded.items():
        if not isinstance(value, Mapping):
            found[key] = value
        elif key not in _UNSAID:
            found |= {f"{key}.{name}": one for name, one in {**_before(key), **from_record(value)}.items()}
    return {key: value for key, value in found.items() if key not in _UNSAID}


def differing(family: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of flat settings in which not all of ``family`` agree, in their order."""
    keys = dict.fromkeys(key for one in family for key in one)
    return [key for key in keys if any(one.get(key, _MISSING) != family[0].get(key, _MISSING) for one in family[1:])]


def _before(section: str) -> dict[str, Any]:
    """The options of a section that older records may lack."""
    return before(SECTIONS[section]) if section in SECTIONS else {}
