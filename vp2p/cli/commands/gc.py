"""``vp2p gc``."""

from __future__ import annotations

from typing import Annotated

import typer

from vp2p.cli.common import Json, run_arguments, workspace
from vp2p.cli.output import output
from vp2p.text import bytes_told, typed


def gc(
    ctx: typer.Context,
    runs: Annotated[
        list[str] | None,
        run_arguments("Runs to delete with all that was made from them. By default what nothing needs."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Delete. Without it, only say what would be deleted.")] = False,
    json: Json = False,
) -> None:
    """Delete runs, and what crashes left behind.

    Without a run it deletes half-written files, interrupted runs, and runs whose parent is gone.
    It keeps each run with a tag then, and one that is being written.

    Examples:

      vp2p gc

      vp2p gc --yes

      vp2p gc short --yes
    """
    from vp2p.upkeep.gc import remove, rubbish

    here = workspace(ctx)
    found = rubbish(here, [here.find_run(run) for run in runs or ()])
    if yes:
        going, found = found, remove(here, found)
        for one in going:
            if one not in found:
                output.note(f"{one.name} stays: another process has used it meanwhile")
    output.lines(f"{one.name}\t{bytes_told(one.bytes)}\t{one.why}" for one in found)
    total = sum(one.bytes for one in found)
    if not found:
        output.say("there is nothing to delete")
    elif yes:
        output.say(("✓", "green"), f" {bytes_told(total)} are free")
    else:
        again = output.command(" ".join(["vp2p gc", *map(typed, runs or ()), "--yes"]))
        output.say(f"{bytes_told(total)} would be free; nothing is deleted yet: {again}")
    items = [{"kind": one.kind, "name": one.name, "why": one.why, "bytes": one.bytes} for one in found]
    output.result("gc", {"deleted": yes, "bytes": total, "items": items})
