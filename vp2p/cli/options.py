"""Command-line options made from the settings, so that each is said once."""

from __future__ import annotations

import inspect
import math
import types
import typing
from dataclasses import Field, fields
from typing import Annotated, Any, Callable, Mapping

import typer

from vp2p.cli.completion import OF_SETTINGS
from vp2p.errors import UsageError

# Options that are worth one letter.
_SHORT = {"prompt": "-p", "swap": "-s", "reweight": "-r"}
# How the help shows words of a form of their own.
_TAKES = {"swap": "OLD=NEW", "reweight": "WORD:N", "window": "WORD=A:B", "blend": "WORD"}


def settings_options(**settings: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Replaces each named parameter of a command by one option for every field of its settings class.

    In place of the settings the command gets a dict of the options that were given, on the command
    line or by an environment variable: ``VP2P_FRAMES``, and of a stage ``VP2P_TUNE_STEPS``.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)
        parameters = [one for one in signature.parameters.values() if one.name not in settings]
        for cls in settings.values():
            hints = typing.get_type_hints(cls)
            parameters += [
                _parameter(cls.__name__.removesuffix("Settings"), one, hints[one.name]) for one in fields(cls)
            ]

        def wrapper(**given: Any) -> Any:
            for name, cls in settings.items():
                values = {one.name: given.pop(one.name) for one in fields(cls)}
                given[name] = {option: value for option, value in values.items() if value not in (None, [])}
                _check_finite(given[name])
            return command(**given)

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        parameters.sort(key=lambda one: one.kind)
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapper

    return decorate


def from_environment(cls: type) -> dict[str, Any]:
    """The settings of class ``cls`` that environment variables give, read as a command's options read them."""
    reader = typer.Typer(add_completion=False)

    @reader.command()
    @settings_options(settings=cls)
    def read(settings: dict[str, Any]) -> dict[str, Any]:
        return settings

    return typer.main.get_command(reader).main([], prog_name="vp2p", standalone_mode=False)


def _check_finite(values: Mapping[str, Any]) -> None:
    """Refuses nan and inf, which count as numbers on a command line."""
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} is {value}, but must be a finite number.", f"give {flag} a finite number")


def _parameter(group: str, field: Field, hint: Any) -> inspect.Parameter:
    """The option for one field; None or an empty list stands for "not given"."""
    flag = "--" + field.name.replace("_", "-")
    if hint is bool and not field.name.startswith("no_"):
        flag = f"{flag}/--no-{flag[2:]}"
    # Where to compute is said once for all commands, as the clip and the model are.
    prefix = "" if group in ("Clip", "Model", "Compute") else f"{group.upper()}_"
    unset = field.default in (None, (), False)
    option = typer.Option(
        flag,
        *([_SHORT[field.name]] if field.name in _SHORT else []),
        help=field.metadata["help"] + ("" if unset else f" \\[default: {field.default}]"),
        envvar=f"VP2P_{prefix}{field.name.upper()}",
        show_envvar=False,
        show_default=False,
        parser=_count_or_word if hint == int | str else None,
        metavar="N|all" if hint == int | str else _TAKES.get(field.name),
        rich_help_panel=group,
        autocompletion=OF_SETTINGS.get((group, field.name)),
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[_annotation(hint), option]
    )


def _annotation(hint: Any) -> Any:
    """The type that Typer is told."""
    if hint == int | str:
        return str | None
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    (kind,) = (option for option in options if option is not type(None))
    return list[str] | None if typing.get_origin(kind) is tuple else kind | None


def _count_or_word(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
