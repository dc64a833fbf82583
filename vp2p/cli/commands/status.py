"""``vp2p status``."""

from __future__ import annotations

import typer
from rich.tree import Tree

from vp2p.cli.common import Json, workspace
from vp2p.cli.output import output, plain, shown
from vp2p.printing import text
from vp2p.text import one_line, quoted
from vp2p.upkeep.telling import what


def status(ctx: typer.Context, json: Json = False) -> None:
    """List the runs, and what to do next.

    Examples:

      vp2p status

      vp2p -w walk status --json
    """
    from vp2p.upkeep.status import status as read_status

    found = read_status(workspace(ctx))
    tree = Tree(text((shown(found.folder), "bold"), f"  {quoted(found.prompt)}  ", (found.model, "dim")))
    for run in found.runs:
        state = ("✓", "green") if run.finished else (f"{run.state} at step {run.step}", "yellow")
        tags = [(f"{tag} ", "bold magenta") for tag in run.tags]
        told = (f" {one_line(what(run.settings, run.stage))}", "dim")
        tree.add(text(f"{run.stage}/{run.name} ", *tags, state, told))
    output.show(tree)
    output.say(("next:", "dim"), f" {output.command(found.next)}")
    output.result("status", {"next": found.next, **plain(found)})
