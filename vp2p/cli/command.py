"""How the help shows commands and options: what each takes, and what people use first in the first place."""

from __future__ import annotations

import copy
import inspect
import re
from textwrap import wrap
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup

from vp2p.cli import panels
from vp2p.cli.usage import ParserError

_WIDEST = 26  # characters of an option with what it takes, on one line
_EXPERTS = "For experts:"  # examples that stand below all options
_TYPES = {"str": "TEXT", "int": "N", "float": "NUMBER", "path": "PATH"}


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
            if one.metavar is None:
                one.metavar = _takes(one, ctx)
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Shows a copy of the command, whose names and texts are laid out for a terminal."""
        shown: Any = copy.copy(self)
        shown.help, heading, experts = _flowing(shown.help or "").partition(_EXPERTS)
        shown.epilog = heading + experts or shown.epilog
        params = [_in_one_column(one) for one in self.get_params(ctx)]
        shown.get_params = lambda ctx: params
        super(_Told, shown).format_help(ctx, formatter)  # type: ignore[misc]


def _takes(parameter: Any, ctx: Any) -> str:
    """What the help shows that a parameter takes: a flag nothing, and an argument its own name."""
    if getattr(parameter, "is_flag", False):
        return ""
    if isinstance(parameter, TyperArgument):
        return str(parameter.name).upper()
    if getattr(parameter, "multiple", False):
        return "TEXT"
    told = getattr(parameter, "display_type", None) or parameter.make_metavar  # of Typer before 0.29
    told = str(told(ctx)).strip("<>[]").removesuffix(" range")
    return _TYPES.get(told, told)


def _flowing(text: str) -> str:
    """Paragraphs as one line each, which wraps where the terminal ends, and examples without lines between."""
    joined = re.sub(r"(?<=\S)\n(?=\S)", " ", inspect.cleandoc(text))
    return re.sub(r"\n\n(?=  vp2p )", "\n", joined)


def _in_one_column(parameter: Any) -> Any:
    """The parameter with its names and what it takes in one column, so that the texts beside it are not narrow."""
    shown = copy.copy(parameter)
    shown.display_type_rich = shown._get_number_range_help_str = lambda *_, **__: None  # the columns of Typer's own
    if isinstance(shown, TyperArgument):
        return shown
    name = ", ".join(sorted(shown.opts, key=lambda one: one.startswith("--")))
    if shown.secondary_opts:
        off = shown.secondary_opts[0]
        name = "--[no-]" + name[2:] if off == f"--no-{name[2:]}" else f"{name}/{off}"
    takes = [line.replace("| ", "|") for line in wrap(shown.metavar.replace("|", "| "), _WIDEST)]
    one_line = len(takes) < 2 and len(name) + len(shown.metavar) < _WIDEST
    shown.opts, shown.secondary_opts, shown.metavar = [(" " if one_line else "\n  ").join([name, *takes])], [], ""
    return shown


class Command(_Told, TyperCommand):
    """A command whose help shows that."""


class Group(_Told, TyperGroup):
    """All commands together, likewise."""
