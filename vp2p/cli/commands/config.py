"""``vp2p config``."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from vp2p.cli.common import Json
from vp2p.cli.completion import setting_keys, setting_values
from vp2p.cli.options import from_environment
from vp2p.cli.output import output, shown
from vp2p.errors import NoWorkspaceError, UsageError
from vp2p.printing import is_terminal, text
from vp2p.settings import SECTIONS
from vp2p.text import typed
from vp2p.workspace.config import NAME as CONFIG

if TYPE_CHECKING:
    from vp2p.config.in_force import Setting
    from vp2p.workspace import Workspace

_WIDEST_VALUE, _NARROWEST_HELP = 40, 16


def config(
    ctx: typer.Context,
    key: Annotated[
        str | None,
        typer.Argument(
            help="A setting, such as tune.steps, or a section. By default all.", autocompletion=setting_keys
        ),
    ] = None,
    value: Annotated[
        str | None, typer.Argument(help="The value to write for it.", autocompletion=setting_values)
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="Change your own configuration, which counts in every workspace.")
    ] = False,
    unset: Annotated[bool, typer.Option("--unset", help="Remove the setting from the file.")] = False,
    json: Json = False,
) -> None:
    """Show or change settings.

    Each setting is shown with its value and where the value comes from. From the weakest to
    the strongest, these are the default, the model's card, your own configuration, the
    workspace's vp2p.yaml, and the environment. A value is written into vp2p.yaml, or with
    --user into your own configuration.

    Examples:

      vp2p config tune.steps

      vp2p config tune.steps 300

      vp2p config tune.steps --unset

      vp2p config model.dtype bf16 --user

      vp2p config model.dtype --user --unset
    """
    from vp2p.config.change import known_key

    section = key if key in SECTIONS else None
    key = None if key is None or section else known_key(key)
    if key is None and (value is not None or user or unset):
        raise UsageError("There is no setting to change.", "vp2p config tune.steps 300, and --user for your own")
    if unset and value is not None:
        raise UsageError("--unset takes no value.", f"vp2p config {key} --unset")
    if value is not None or unset:
        _change(ctx, str(key), value, user)
    elif user:
        raise UsageError(f"There is no value to write for {key}.", f"vp2p config {key} VALUE --user")
    else:
        _show(_workspace(ctx), section, key)


def _workspace(ctx: typer.Context) -> Workspace | None:
    """The workspace that ``-w`` names, or the nearest one, or none."""
    from vp2p.workspace import Workspace

    try:
        return Workspace.find(explicit=ctx.obj)
    except NoWorkspaceError:
        if ctx.obj is not None:
            raise
        return None


def _change(ctx: typer.Context, key: str, value: str | None, user: bool) -> None:
    from vp2p.config.change import change, read_value
    from vp2p.config.user import read_user_config, user_config
    from vp2p.workspace.yaml_edit import REMOVED

    here = _workspace(ctx)
    read_user_config()  # a damaged file is told of before it is changed
    if here is None and not user:
        words = f"{key} --unset" if value is None else f"{key} {typed(value)}"
        raise NoWorkspaceError("There is no workspace here to write a setting for.", f"vp2p config {words} --user")
    path = user_config() if here is None or user else here.folder / CONFIG
    whose = " --user" if user else ""
    change(path, key, REMOVED if value is None else read_value(key, value, f"vp2p config {key} {{}}{whose}"))
    settings, files = _in_force(here)
    (one,) = (setting for setting in settings if setting.key == key)
    done = "taken out of" if value is None else "written to"
    output.say(("✓", "green"), f" {key} {done} {shown(path)}")
    if value is None or one.origin != ("user config" if user else "vp2p.yaml"):
        output.say((f"  in force is {_text(one.value)}, from: {one.origin}", "dim"))
    output.result("config", {"files": files, "settings": [one]}, path)


def _show(here: Workspace | None, section: str | None, key: str | None) -> None:
    settings, files = _in_force(here)
    if key is not None:
        (one,) = (setting for setting in settings if setting.key == key)
        output.say((f"{one.origin}: {one.help}", "dim"))
        output.result("config", {"files": files, "settings": [one]}, _text(one.value))
        return
    settings = [one for one in settings if section in (None, one.key.partition(".")[0])]
    if is_terminal():
        output.show(_table(settings, get_terminal_size().columns))
    else:
        output.lines("\t".join((one.key, _text(one.value), one.origin)) for one in settings)
    what = "what a new workspace would start from" if here is None else shown(here.folder / CONFIG)
    output.say((f"{what}; your own: {_tilde(files['user'])}", "dim"))
    output.result("config", {"files": files, "settings": settings})


def _in_force(here: Workspace | None) -> tuple[list[Setting], dict[str, Any]]:
    """Every setting, and the files that are read."""
    from vp2p.config.in_force import in_force
    from vp2p.config.user import user_config

    environment = {section: from_environment(cls) for section, cls in SECTIONS.items()}
    return in_force(here, environment), {"workspace": here and here.folder / CONFIG, "user": user_config()}


def _table(settings: list[Setting], width: int) -> Table:
    """Settings on ``width`` columns; what they are is said in what the values leave."""
    rows = [(one.key, _cut(_text(one.value), _WIDEST_VALUE), one.origin, one.help) for one in settings]
    left = width - sum(max(len(row[column]) for row in rows) + 2 for column in range(3))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in (
        ("setting", "value", "from", "what it is") if left >= _NARROWEST_HELP else ("setting", "value", "from")
    ):
        table.add_column(title, no_wrap=True)
    for key, value, origin, told in rows:
        mark = "dim" if origin == "default" else "cyan"
        cells = (key, value, (origin, mark), (_cut(told, left), "dim"))
        table.add_row(*map(text, cells[: len(table.columns)]))
    return table


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _text(value: Any) -> str:
    """A value as it can be typed."""
    return value if isinstance(value, str) and value.isprintable() else json_text.dumps(value, ensure_ascii=False)


def _tilde(path: Path) -> str:
    return str(path).replace(str(Path.home()), "~", 1)
