"""Runs and times in a few words."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

_AGES = ((86400 * 2, 86400, "days"), (3600 * 2, 3600, "hours"), (120, 60, "minutes"))


def what(settings: Any, stage: str) -> str:
    """What a run does, from its recorded settings; less where they say less."""
    try:
        return _what(settings, stage)
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def _what(settings: Any, stage: str) -> str:
    mine = settings.get(stage, settings)
    if stage == "tune":
        steps = "as many steps as help" if mine["steps"] == "auto" else f"{mine['steps']} steps"
        return f"{steps}, rate {mine['learning_rate']:g}"
    if stage == "invert":
        return f"{mine['method']}, {mine['steps']} steps"
    if stage == "attention":
        return ", ".join(mine["words"])
    if stage == "mask":
        return str(mine["mask_text"] or ", ".join(mine["mask_point"]))
    if stage in ("edit", "full"):
        return str(settings.get("target", ""))
    return f"{mine['frames']} frames"


def age(created: str) -> str:
    """How long ago an ISO time was; empty if it is none."""
    try:
        seconds = (datetime.now(timezone.utc) - datetime.fromisoformat(created)).total_seconds()
    except (ValueError, TypeError):
        return ""
    for least, unit, name in _AGES:
        if seconds >= least:
            return f"{seconds // unit:.0f} {name} ago"
    return "just now"


def value(setting: Any) -> str:
    """A setting's value in short."""
    if setting is None:
        return "–"
    if isinstance(setting, bool):
        return "yes" if setting else "no"
    if isinstance(setting, float):
        return f"{setting:.6g}"
    if isinstance(setting, (list, tuple)):
        return " ".join(map(str, setting)) or "–"
    return str(setting)
