"""Command-line options made from the settings, so that each is said once."""

from __future__ import annotations

import functools
import inspect
import math
import typing
from typing import Annotated, Any, Callable, Iterator, Mapping

import typer

from vp2p.cli import panels
from vp2p.cli.completion import completer_of
from vp2p.errors import UsageError
from vp2p.schema import RENAMED, Option, from_mapping, options, setting_name
from vp2p.settings import ComputeSettings

# Options that are worth one letter.
_SHORT = {"prompt": "-p", "swap": "-s", "reweight": "-r"}
# How the help shows words of a form of their own.
_TAKES = {
    "swap": "OLD=NEW", "reweight": "WORD:N[->N]", "window": "WORD=A:B", "blend": "WORD", "lora": "PATH[:N]",
    "control": "KIND=PATH[:N]", "control_video": "KIND=PATH", "reference": "PICTURE[:N]",
    "merge_tokens": "SHARE", "mask_text": "WORDS", "mask_point": "X,Y[@FRAME]", "mask": "PATH|NAME",
    "segmenter": "MODEL|none", "detector": "MODEL", "negative_prompt": "WORDS", "guidance_interval": "A:B",
    "model": "MODEL", "model_config": "FOLDER", "variant": "NAME", "vae": "MODEL", "ip_adapter": "MODEL",
    "size": "SIZE|keep",
}  # fmt: skip
_COMPUTE = [one.name for one in options(ComputeSettings)]
_COUNTS = {"frames": "N|all", "steps": "N|auto"}


def settings_options(**settings: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Puts, in the place of each named parameter of a command, one option for every field of its settings class.

    In place of the settings the command gets a dict of the options that were given, on the command
    line or by an environment variable: ``VP2P_FRAMES``, and of a stage ``VP2P_TUNE_STEPS``.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for own in signature.parameters.values():
            cls = settings.get(own.name)
            # The command is called by names alone, so that its parameters may stand in any order.
            parameters += [own.replace(kind=inspect.Parameter.KEYWORD_ONLY)] if cls is None else _parameters(cls)

        def wrapper(**given: Any) -> Any:
            for name, cls in settings.items():
                given[name] = _taken(cls, given)
            return command(**given)

        wrapper.__name__, wrapper.__doc__ = command.__name__, command.__doc__
        wrapper.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapper

    return decorate


def from_environment(cls: type) -> dict[str, Any]:
    """The settings of class ``cls`` that environment variables give, read as a command's options read them."""
    found: dict[str, Any] = _reader(cls)([], prog_name="vp2p", standalone_mode=False)
    return found


@functools.cache
def _reader(cls: type) -> Callable[..., Any]:
    """A command that returns what its options, those of a settings class, were given."""
    reader = typer.Typer(add_completion=False)

    @reader.command()
    @settings_options(settings=cls)
    def read(settings: dict[str, Any]) -> dict[str, Any]:
        return settings

    return typer.main.get_command(reader)


def _taken(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Takes the options of a settings class out of what a command was given; those with a value are returned."""
    values = {name: given.pop(name) for name in _names(cls)}
    values = {name: value for name, value in values.items() if value not in (None, [])}
    _check_finite(values)
    older = {setting_name(name): value for name, value in values.items() if name in RENAMED}
    return {**older, **{name: value for name, value in values.items() if name not in RENAMED}}


def _names(cls: type) -> Iterator[str]:
    """The names of a settings class's options, and those that they had before."""
    names = {one.name for one in options(cls)}
    return iter([*names, *(old for old, now in RENAMED.items() if now in names)])


def _check_finite(values: Mapping[str, Any]) -> None:
    """Refuses nan and inf, which count as numbers on a command line."""
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            flag = "--" + name.replace("_", "-")
            raise UsageError(f"{flag} is {value}, but must be a finite number.", f"give {flag} a finite number")


def _parameters(cls: type) -> list[inspect.Parameter]:
    """The options of a settings class; those by an old name are hidden."""
    old = {now: name for name, now in RENAMED.items()}
    found = [_parameter(cls, one, one.name) for one in options(cls)]
    return found + [_parameter(cls, one, old[one.name]) for one in options(cls) if one.name in old]


def _parameter(cls: type, one: Option, name: str) -> inspect.Parameter:
    """An option by one of its names; None or an empty list stands for "not given"."""
    group = cls.__name__.removesuffix("Settings")
    flag = "--" + name.replace("_", "-")
    if one.type is bool and not name.startswith("no_"):
        flag = f"{flag}/--no-{flag[2:]}"
    # Where to compute is said once for all commands, as the clip and the model are.
    prefix = "" if group in ("Clip", "Model", "Compute") else f"{group.upper()}_"
    made = typer.Option(
        flag,
        *([_SHORT[name]] if name in _SHORT else []),
        help=one.help + _default(one),
        envvar=f"VP2P_{prefix}{name.upper()}",
        show_envvar=False,
        show_default=False,
        hidden=name != one.name,
        callback=_checked(cls, one.name),
        parser=_count_or_word if one.kinds == (int, str) else None,
        metavar=(_COUNTS if one.kinds == (int, str) else _TAKES).get(name),
        rich_help_panel=panels.EXPERT if one.expert else panels.COMPUTE if one.name in _COMPUTE else None,
        autocompletion=completer_of(one),
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[_annotation(one), made]
    )


def _checked(cls: type, name: str) -> Callable[[typer.Context, typer.CallbackParam, Any], Any]:
    """Checks what an environment variable gives by itself, so that a mistake names the variable."""

    def check(ctx: typer.Context, parameter: typer.CallbackParam, value: Any) -> Any:
        source = ctx.get_parameter_source(parameter.name or "")
        if value not in (None, []) and source and source.name == "ENVIRONMENT":
            try:
                _check_finite({name: value})
                from_mapping(cls, {name: value})
            except UsageError as error:
                hint = f"correct or unset the environment variable {parameter.envvar}"
                raise UsageError(error.cause, hint) from error
        return value

    return check


def _default(one: Option) -> str:
    """The default as the help shows it; none for what is empty, or a flag that turns something off."""
    if one.default is None or one.default == () or one.name.startswith("no_"):
        return ""
    told = {True: "on", False: "off"}[one.default] if one.type is bool else one.default
    return f" \\[default: {told}]"


def _annotation(one: Option) -> Any:
    """The type that Typer is told."""
    if one.kinds == (int, str):
        return str | None
    (kind,) = one.kinds
    return list[str] | None if typing.get_origin(kind) is tuple else kind | None


def _count_or_word(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text
