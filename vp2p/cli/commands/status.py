"""``vp2p status``."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.tree import Tree

from vp2p.cli.common import Json, workspace
from vp2p.cli.output import output, plain, shown
from vp2p.cli.telling import what


def status(ctx: typer.Context, json: Json = False) -> None:
    """List runs, and what comes next.

    Examples:

      vp2p status

      vp2p -w walk status --json
    """
    from vp2p.stages.status import status as read_status

    found = read_status(workspace(ctx))
    tree = Tree(
        f"[bold]{escape(shown(found.folder))}[/bold]  {escape(found.prompt)!r}  [dim]{escape(found.model)}[/dim]"
    )
    for run in found.runs:
        state = "[green]✓[/green]" if run.finished else f"[yellow]interrupted at step {run.step}[/yellow]"
        tags = "".join(f"[bold magenta]{escape(tag)}[/bold magenta] " for tag in run.tags)
        tree.add(f"{run.stage}/{escape(run.name)} {tags}{state} [dim]{escape(what(run.settings, run.stage))}[/dim]")
    output.show(tree)
    output.say(f"[dim]next:[/dim] {escape(output.command(found.next))}")
    output.result("status", {"next": found.next, **plain(found)})
