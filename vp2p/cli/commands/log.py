"""``vp2p log``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import any_run
from vp2p.cli.output import output, shown
from vp2p.printing import Piece, text
from vp2p.text import bytes_told, one_line, quoted
from vp2p.upkeep.telling import age, value, what

if TYPE_CHECKING:
    from vp2p.upkeep.log import Entry

_STATES = {
    "finished": ("✓", "green"),
    "interrupted": ("interrupted", "yellow"),
    "being written": ("being written", "cyan"),
    "damaged": ("damaged", "red"),
    "gone": ("gone", "red"),
}


def log(
    ctx: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(
            help="Only this run, what it was made from, and what was made from it.",
            show_default=False,
            autocompletion=any_run,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show all runs as a tree, and how they differ.

    Each run stands under the run that it was made from. Runs with the same parent show the
    settings in which they differ.

    Examples:

      vp2p log

      vp2p log short
    """
    from vp2p.upkeep.log import history

    here = workspace(ctx)
    entries = history(here, None if run is None else here.find_run(run))
    tree = Tree(text((shown(here.folder), "bold"), f"  {quoted(here.config.prompt)}"))
    _grow(tree, entries)
    output.show(tree)
    output.result("log", {"workspace": here.folder, "runs": entries})


def _grow(tree: Tree, entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        _grow(tree.add(_line(entry)), entry.made)


def _line(entry: Entry) -> Text:
    words: list[Piece] = [entry.key, *((tag, "bold magenta") for tag in entry.tags)]
    words += [_STATES[entry.state], *([one_line(entry.told)] if entry.told else [])]
    differs = {name.rpartition(".")[2]: one for name, one in entry.differs.items()}
    if entry.settings and (entry.stage == "edit" or not differs):
        words.append(one_line(what(entry.settings, entry.stage)))
    said = ", ".join(f"{name.replace('_', ' ')} {value(one)}" for name, one in differs.items() if name != "target")
    words += [(one_line(said), "cyan")] if said else []
    if entry.created:
        words.append((f"{age(entry.created)}, {bytes_told(entry.bytes)}", "dim"))
    return text(*(piece for word in words for piece in ("  ", word)))[2:]
