"""``vp2p verify``."""

from __future__ import annotations

from typing import Annotated

import typer

from vp2p.cli.common import Json, run_arguments, workspace
from vp2p.cli.output import output
from vp2p.text import bytes_told, one_line, visible


def verify(
    ctx: typer.Context,
    runs: Annotated[
        list[str] | None,
        run_arguments("Runs to check. By default the whole workspace."),
    ] = None,
    json: Json = False,
) -> None:
    """Check every file against its checksum.

    Lists what is damaged, each with the command to redo it. Exits with 1 if anything is.

    Examples:

      vp2p verify

      vp2p verify short
    """
    from vp2p.upkeep.verify import verify as check

    here = workspace(ctx)
    named = [here.find_run(run) for run in runs or ()]
    with output.progress() as progress:
        found = check(here, named, progress)
    damaged = 0
    for one in found:
        damaged += len(one.damage)
        mark = ("✗", "red") if one.damage else ("✓", "green")
        count = "1 file" if one.files == 1 else f"{one.files} files"
        told = f"{count}, {bytes_told(one.bytes)}" if one.state in ("", "finished") else one.state
        output.say(mark, f" {one.name} ", (told, "dim"))
        for damage in one.damage:
            output.say(f"  {one_line(damage.cause)}")
            output.say("  ", ("hint:", "cyan"), f" {visible(output.command(damage.hint))}")
    if not damaged:
        output.say(("all is as it was recorded", "bold"))
    output.result("verify", {"damaged": damaged, "checked": found})
    if damaged:
        raise typer.Exit(1)
