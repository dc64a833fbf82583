"""``vp2p full``."""

from __future__ import annotations

from typing import Annotated

import typer

from vp2p.cli.common import DryRun, Force, Json, Wait, session
from vp2p.cli.completion import runs
from vp2p.cli.output import output


def full(
    ctx: typer.Context,
    edit: Annotated[
        str | None,
        typer.Argument(help="An edit. By default the newest.", show_default=False, autocompletion=runs("edit")),
    ] = None,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make the video of an edit at the source's own size and rate.

    The edited object is brought to every frame of the source along its motion. All else is the
    source's own, and so is the sound. It needs the video itself, but no GPU. An interrupted
    run goes on where it was.

    Examples:

      vp2p full

      vp2p full dog --wait 600

      vp2p full dog --force
    """
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.full import full as full_stage
    from vp2p.stages.full import plan_full
    from vp2p.stages.planned import find_run

    here = session(ctx, {}, wait)
    if dry_run:
        edited = find_run(here.workspace, "edit", edit, "vp2p edit --swap OLD=NEW")
        return output.outlooks("full", look_ahead(plan_full(edited), force))
    with output.progress() as progress:
        result = full_stage(here, edit, force, progress)
    output.stage(result)
