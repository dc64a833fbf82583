"""``vp2p diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Mapping

import typer
from rich.table import Table

from vp2p.cli.common import Json, workspace
from vp2p.cli.completion import any_run
from vp2p.cli.output import output, plain
from vp2p.printing import text
from vp2p.upkeep.telling import value

if TYPE_CHECKING:
    from vp2p.upkeep.diff import Comparison, Pair

Told = tuple[str, str]


def diff(
    ctx: typer.Context,
    a: Annotated[str, typer.Argument(help="A run.", show_default=False, autocompletion=any_run)],
    b: Annotated[
        str, typer.Argument(help="Another run of the same stage.", show_default=False, autocompletion=any_run)
    ],
    sheet: Annotated[
        Path | None, typer.Option(help="The PNG for the pictures of two edits. By default diff-A-B.png here.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
    json: Json = False,
) -> None:
    """Compare two runs of one stage.

    Shows the settings, parents and figures that differ, also in the runs that they were made
    from. Of two edits, it also writes the pictures side by side as a PNG.

    Examples:

      vp2p diff short long

      vp2p diff dog dog-2 --sheet dogs.png

      vp2p diff dog cow --sheet dogs.png --force

      vp2p diff dog cow --force
    """
    from vp2p.upkeep.diff import compare, write_sheet

    here = workspace(ctx)
    one, other = here.find_run(a), here.find_run(b)
    found = compare(here, one, other)
    place = None
    if one.stage == "edit":
        place = sheet or Path(f"diff-{one.name}-{other.name}.png")
        write_sheet(here, one, other, place, force)
    if found.same:
        output.say(f"{found.a} and {found.b} do not differ")
    else:
        output.show(_table(found))
    output.result("diff", {**plain(found), "sheet": place}, place)


def _table(found: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("", found.a, found.b):
        table.add_column(text(title), overflow="fold")
    groups = {"made from": _told(found.parents), "figures": _figures(found)}
    settings: dict[str, dict[str, Told]] = {}
    for key, pair in found.settings.items():
        group, _, name = key.rpartition(".")
        settings.setdefault(group, {})[name.replace("_", " ")] = value(pair[0]), value(pair[1])
    for group, pairs in {**settings, **groups}.items():
        if pairs and group:
            table.add_row(text((group, "dim")))
        for name, (mine, its) in pairs.items():
            table.add_row(text(f"{'  ' if group else ''}{name}"), text(mine), text(its))
    return table


def _told(pairs: Mapping[str, Pair]) -> dict[str, Told]:
    return {name: (value(mine), value(its)) for name, (mine, its) in pairs.items()}


def _figures(found: Comparison) -> dict[str, Told]:
    if not found.a.startswith("edit/"):
        return _told(found.figures)
    from vp2p.metrics.table import METRICS

    metrics = [metric for name, metric in METRICS.items() if name in found.figures]
    pairs = ((metric, *found.figures[metric.name]) for metric in metrics)
    return {metric.heading: (metric.text(mine), metric.text(its)) for metric, mine, its in pairs}
