"""``vp2p edit``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vp2p.cli.common import DryRun, Force, FromInvert, Json, Wait, resolve, session
from vp2p.cli.completion import edit_names
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, EditSettings


@settings_options(settings=EditSettings, compute=ComputeSettings)
def edit(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    parent: FromInvert = None,
    name: Annotated[
        str | None,
        typer.Option("--name", "--as", help="The edit's name. By default its new words.", autocompletion=edit_names),
    ] = None,
    format: Annotated[
        Literal["mp4", "gif", "webp", "png"],
        typer.Option(help="Format of the edited clip. png is a folder of pictures."),
    ] = "mp4",
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Edit the clip by changing words.

    --swap replaces a word or a phrase, and --prompt the whole sentence. --reweight makes
    a word stronger or weaker. What the unchanged words describe stays as it is.
    With alternatives, as in cat=dog|rabbit, each is an edit of its own. They are made
    side by side, in less time than one by one. Those that are there already are not
    made again.

    Examples:

      vp2p edit --swap "cat=dog|rabbit"

      vp2p edit --swap "cat=baby elephant"

      vp2p edit --prompt "a red cat on the grass" --reweight red:2 --name red

      vp2p edit --reweight "grass:0->3"
    """
    from vp2p.prompts.alternatives import alternatives
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.edit import KeepAs, edit_all, plan_edits
    from vp2p.stages.planned import find_run

    here = session(ctx, compute, wait)
    asked = alternatives(resolve(here, "edit", settings))
    keep_as = KeepAs(name, format, force)
    if dry_run:
        inverted = find_run(here.workspace, "invert", parent, "vp2p invert")
        plans = plan_edits(here, asked, inverted, keep_as)
        stages = dict.fromkeys(one for planned in plans for one in look_ahead(planned, force))
        return output.outlooks("edit", [*stages], [note for planned in plans for note in planned.notes])
    with output.progress() as progress:
        results = edit_all(here, asked, parent, keep_as, progress)
    for result in results:
        output.stage(result)
