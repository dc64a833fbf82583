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
    ``["red:0->3"]`` and ``["cat=dog|fox"]``; points ``(120, 80)`` and ``(120, 80, 3)`` as ``["120,80", "120,80@3"]``.
    """
    found = {name: _joined(value, name) if name in SIGNS else value for name, value in options.items()}
    if "mask_point" in found:
        found["mask_point"] = _points(found["mask_point"])
    return found


def _points(given: Any) -> Any:
    """Points as they are typed: one or several, each as text or as two or three numbers."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, tuple) and all(isinstance(one, (int, float)) for one in given):
        given = [given]
    return [one if isinstance(one, str) else "@".join(_at(one)) for one in given]


def _at(point: Any) -> list[str]:
    """``(120, 80, 3)`` as "120,80" and "3"."""
    return [",".join(f"{value:.10g}" for value in point[:2]), *map(str, point[2:])]


def _joined(given: Any, name: str) -> list[str]:
    if not isinstance(given, Mapping):
        return [given] if isinstance(given, str) else list(given)
    return [
        f"{word}{SIGNS[name]}{_BETWEEN[name].join(map(str, value)) if isinstance(value, (tuple, list)) else value}"
        for word, value in given.items()
    ]
