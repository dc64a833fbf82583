"""``vp2p edit``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

from vp2p.cli.common import Force, From, Json, resolve, session
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, EditSettings


@settings_options(settings=EditSettings, compute=ComputeSettings)
def edit(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    parent: From = None,
    name: Annotated[str | None, typer.Option(help="The edit's name; by default its new words.")] = None,
    format: Annotated[
        Literal["mp4", "gif", "webp", "png"],
        typer.Option(help="Format of the edited clip; png is a folder of pictures."),
    ] = "mp4",
    force: Force = False,
    json: Json = False,
) -> None:
    """Edit the clip by changing words.

    --swap replaces a word, --prompt the whole sentence; --reweight makes a word
    stronger or weaker. What unchanged words describe stays where it is.

    Examples:

      vp2p edit --swap cat=dog

      vp2p edit --prompt "a red cat on the grass" --reweight red:2 --name red
    """
    from vp2p.stages.edit import edit as edit_stage

    here = session(ctx, compute)
    with output.progress() as progress:
        resolved = resolve(EditSettings, here, "edit", settings)
        result = edit_stage(here, resolved, parent, name, format, force, progress)
    output.stage(result)
