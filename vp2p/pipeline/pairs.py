"""Options of an edit that a Python program gives as mappings."""

from __future__ import annotations

from typing import Any, Mapping

_SIGNS = {"swap": "=", "reweight": ":", "window": "="}


def pairs(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with ``{"cat": "dog"}`` as ``["cat=dog"]``, and ``{"dog": (0.1, 0.8)}`` as ``["dog=0.1:0.8"]``."""
    return {name: _joined(value, _SIGNS[name]) if name in _SIGNS else value for name, value in options.items()}


def _joined(given: Any, sign: str) -> list[str]:
    if not isinstance(given, Mapping):
        return [given] if isinstance(given, str) else list(given)
    return [
        f"{name}{sign}{':'.join(map(str, value)) if isinstance(value, tuple) else value}"
        for name, value in given.items()
    ]
