"""How the help shows what an option takes: a flag takes nothing, a list of words is words."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _Told:
    def get_params(self, ctx: Any) -> list[Any]:
        params = super().get_params(ctx)  # type: ignore[misc]
        for one in params:
            if one.metavar is None and getattr(one, "is_flag", False):
                one.metavar = ""
            elif one.metavar is None and getattr(one, "multiple", False):
                one.metavar = "TEXT"
        return params


class Command(_Told, TyperCommand):
    """A command whose help shows that."""


class Group(_Told, TyperGroup):
    """All commands together, likewise."""
