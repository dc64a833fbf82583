"""What a stage tells of itself when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Mapping

State = Literal["done", "resumed", "up to date"]


@dataclass(frozen=True)
class StageResult:
    """A finished run.

    ``artifact`` is what the user asked for; ``facts`` are figures by name; ``notes`` what the user
    should know; ``next`` the commands that make sense now.
    """

    stage: str
    run: str
    state: State
    artifact: Path
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
