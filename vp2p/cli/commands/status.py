"""``vp2p status``."""

from __future__ import annotations

from typing import Any

import typer
from rich.markup import escape
from rich.tree import Tree

from vp2p.cli.common import Json, workspace
from vp2p.cli.output import output, plain, shown


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
        tree.add(f"{run.stage}/{escape(run.name)} {state} [dim]{escape(_what(run.settings, run.stage))}[/dim]")
    output.show(tree)
    output.say(f"[dim]next:[/dim] {escape(output.command(found.next))}")
    output.result("status", {"next": found.next, **plain(found)})


def _what(settings: Any, stage: str) -> str:
    """A run's settings in a few words."""
    mine = settings.get(stage, settings)
    if stage == "tune":
        return f"{mine['steps']} steps, rate {mine['learning_rate']:g}"
    if stage == "invert":
        return f"{mine['method']}, {mine['steps']} steps"
    if stage == "edit":
        return str(settings.get("target", ""))
    return f"{mine['frames']} frames"
