"""Mistakes that the parser of the command line finds, as errors of vp2p: a cause, and what to type."""

from __future__ import annotations

import difflib
import re
from typing import Any

import typer

from vp2p.errors import UsageError

# The parser's own base class, from whichever library this Typer takes it.
ParserError: Any = typer.BadParameter.__base__

# What the parser adds to a cause, and the hint says better.
_ADDED = re.compile(r" ?\(Possible options: .*\)| ?\(?Did you mean .*|\bValue error, ")


def usage_error(error: Any) -> UsageError:
    """The mistake that a :data:`ParserError` is about."""
    cause = " ".join(error.format_message().split())
    return UsageError(_sentence(cause), _hint(error))


def _sentence(cause: str) -> str:
    wanted = re.search(r"Input should be a valid (\w+)", cause)
    if wanted:
        cause = cause[: wanted.start()] + f"it must be {_article(wanted[1])}."
    return _ADDED.sub("", cause).strip().rstrip(".") + "."


def _article(kind: str) -> str:
    return {"integer": "a whole number", "number": "a number", "boolean": "true or false"}.get(kind, kind)


def _hint(error: Any) -> str:
    if error.ctx is None:
        return "vp2p --help"
    command, path = error.ctx.command, error.ctx.command_path
    parameter = getattr(error, "param", None)
    source = error.ctx.get_parameter_source(parameter.name) if parameter else None
    if parameter and source and source.name == "ENVIRONMENT":
        return f"correct or unset the environment variable {parameter.envvar}"
    quoted = re.findall(r"'([^']*)'", error.message)
    subcommands = getattr(command, "commands", {})
    near: list[str] = []
    if re.match(r"-\d", getattr(error, "option_name", "")):
        return f"put -- before what begins with a minus, or: {path} --help"
    if hasattr(error, "option_name") and hasattr(error, "possibilities"):
        if any(error.option_name in _options(one) for one in subcommands.values()):
            return f"give it after the command: vp2p COMMAND {error.option_name}"
        near = difflib.get_close_matches(error.option_name, _options(command), n=1)
    elif subcommands and quoted:
        near = difflib.get_close_matches(quoted[0], subcommands, n=1)
    elif len(quoted) > 1:  # a wrong choice, and the choices
        near = difflib.get_close_matches(quoted[0], quoted[1:], n=1)
    return f"did you mean {near[0]}? see: {path} --help" if near else f"{path} --help"


def _options(command: Any) -> list[str]:
    shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    return [name for parameter in shown for name in (*parameter.opts, *parameter.secondary_opts)]
