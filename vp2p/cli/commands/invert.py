"""``vp2p invert``."""

from __future__ import annotations

from typing import Any

import typer

from vp2p.cli.common import As, DryRun, Force, FromTune, Json, Wait, resolve, session
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, InvertSettings


@settings_options(settings=InvertSettings, compute=ComputeSettings)
def invert(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    parent: FromTune = None,
    tag: As = None,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Invert the clip to noise.

    Invert once, then make as many edits as you like. The methods: direct replays the
    stored latents, at no cost. null-text optimises embeddings until guided denoising
    returns to the clip. ddim runs the source without guidance, and drifts. noise does
    not invert: it adds noise to a reduced clip. Edit that with --strength below 1.

    Examples:

      vp2p invert --method direct

      vp2p invert --method null-text --steps 50 --as null

      vp2p invert --guidance 5 --from long --device cpu

      vp2p invert --steps 20 --guidance 12 --from other --as quick

    For experts:

      vp2p invert --method null-text --null per-frame --inner-steps 20

      vp2p invert --method null-text --inner-steps 5 --tolerance 0

      vp2p invert --method null-text --null shared --null-learning-rate 2e-2

      vp2p invert --method null-text --null-learning-rate 5e-3 --tolerance 1e-4

      vp2p invert --method noise --downsample 8 --seed 1

      vp2p invert --method noise --downsample 2 --seed 2
    """
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.invert import NO_TUNE, plan_invert
    from vp2p.stages.invert import invert as invert_stage
    from vp2p.stages.planned import Planned, find_run
    from vp2p.upkeep.tag import check_tag, tagging

    here = session(ctx, compute, wait)
    resolved = resolve(here, "invert", settings)

    def plan() -> Planned:
        return plan_invert(here, resolved, find_run(here.workspace, "tune", parent, NO_TUNE))

    if dry_run:
        planned = plan()
        check_tag(planned, tag)
        return output.outlooks("invert", look_ahead(planned, force), planned.notes)
    with tagging(plan, tag), output.progress() as progress:
        result = invert_stage(here, resolved, parent, force, progress)
    output.stage(result)
