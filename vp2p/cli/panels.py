"""The panels of the help, in their order: what people use first stands first."""

from __future__ import annotations

from typing import Any

COMPUTE = "Compute"
RUN = "How to run it"
EXPERT = "For experts and ablations"
_LAST = (COMPUTE, RUN, EXPERT)

COMMANDS = {
    "Edit a video": ("init", "tune", "invert", "mask", "edit", "full", "batch", "ui"),
    "See the results": ("status", "show", "report", "eval", "attention", "log", "diff"),
    "Look after a workspace": ("config", "tag", "verify", "gc", "export", "import"),
    "Choose a model": ("models",),
    "Try it on a drawn clip": ("demo", "draw"),
}
"""The commands by panel."""


def place(parameter: Any) -> int:
    """Where a parameter's panel stands in the help of its command; what has no panel of its own stands first."""
    panel = getattr(parameter, "rich_help_panel", None)
    return _LAST.index(panel) + 1 if panel in _LAST else 0
