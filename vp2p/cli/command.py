"""How the help shows options: what each takes, and what people use first in the first place."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup

from vp2p.cli import panels
from vp2p.cli.usage import ParserError


class _Told:
    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().parse_args(ctx, args)  # type: ignore[misc]
        except ParserError as error:
            error.ctx = error.ctx or ctx  # an option without its value does not know whose it is
            raise

    def get_params(self, ctx: Any) -> list[Any]:
        params = sorted(super().get_params(ctx), key=panels.place)  # type: ignore[misc]
        for one in params:
            if one.name == "help" and isinstance(self, TyperCommand):
                one.rich_help_panel = panels.RUN
            if one.metavar is None and getattr(one, "is_flag", False):
                one.metavar = ""  # a flag takes nothing
            elif one.metavar is None and getattr(one, "multiple", False):
                one.metavar = "TEXT"
        return params


class Command(_Told, TyperCommand):
    """A command whose help shows that."""


class Group(_Told, TyperGroup):
    """All commands together, likewise."""
