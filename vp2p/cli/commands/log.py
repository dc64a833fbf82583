"""``vp2p log``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.tree import Tree

from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import any_run
from vp2p.cli.output import output, shown
from vp2p.cli.telling import age, size, value, what

if TYPE_CHECKING:
    from vp2p.stages.history import Entry

_STATES = {
    "finished": "[green]✓[/green]",
    "interrupted": "[yellow]interrupted[/yellow]",
    "being written": "[cyan]being written[/cyan]",
    "damaged": "[red]damaged[/red]",
    "gone": "[red]gone[/red]",
}


def log(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            help="Only this run, what it is made from, and what is made from it.",
            show_default=False,
            autocompletion=any_run,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show all runs as a tree, and what differs.

    Each run stands under the one that it is made from. Of runs side by side, the settings in
    which they differ are shown.

    Examples:

      vp2p log

      vp2p log short
    """
    from vp2p.stages.history import history

    here = workspace(ctx)
    entries = history(here, None if run is None else here.find_run(run))
    tree = Tree(f"[bold]{escape(shown(here.folder))}[/bold]  {escape(repr(here.config.prompt))}")
    _grow(tree, entries)
    output.show(tree)
    output.result("log", {"workspace": here.folder, "runs": entries})


def _grow(tree: Tree, entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        _grow(tree.add(_line(entry)), entry.made)


def _line(entry: Entry) -> str:
    words = [escape(entry.key), *(f"[bold magenta]{escape(tag)}[/bold magenta]" for tag in entry.tags)]
    words += [_STATES[entry.state], *([escape(entry.told)] if entry.told else [])]
    differs = {name.rpartition(".")[2]: one for name, one in entry.differs.items()}
    if entry.settings and (entry.stage == "edit" or not differs):
        words.append(escape(what(entry.settings, entry.stage)))
    said = ", ".join(f"{name.replace('_', ' ')} {value(one)}" for name, one in differs.items() if name != "target")
    words += [f"[cyan]{escape(said)}[/cyan]"] if said else []
    if entry.created:
        words.append(f"[dim]{age(entry.created)}, {size(entry.bytes)}[/dim]")
    return "  ".join(words)
