"""Options of an edit that a Python program gives as mappings."""

from __future__ import annotations

from typing import Any, Mapping

from vp2p.settings import SIGNS

SEVERAL = r'edit_all(…, [{"swap": …}]) makes several; a bar of a word itself is \|'
"""What a Python program does that asks for alternatives where one edit is made."""

# What joins the values of a tuple or list.
_BETWEEN = {"swap": "|", "reweight": "->", "window": ":"}


def pairs(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with ``{"cat": "dog"}`` as ``["cat=dog"]``, and several values as ``["dog=0.1:0.8"]``,
    ``["red:0->3"]`` and ``["cat=dog|fox"]``."""
    return {name: _joined(value, name) if name in SIGNS else value for name, value in options.items()}


def _joined(given: Any, name: str) -> list[str]:
    if not isinstance(given, Mapping):
        return [given] if isinstance(given, str) else list(given)
    return [
        f"{word}{SIGNS[name]}{_BETWEEN[name].join(map(str, value)) if isinstance(value, (tuple, list)) else value}"
        for word, value in given.items()
    ]
