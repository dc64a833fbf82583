"""``vp2p tune``."""

from __future__ import annotations

from typing import Any

import typer

from vp2p.cli.common import As, DryRun, Force, Json, Wait, resolve, session
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, TuneSettings


@settings_options(settings=TuneSettings, compute=ComputeSettings)
def tune(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    tag: As = None,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Tune the model on the workspace's clip.

    After an interruption, the same command continues from the last checkpoint.
    Other settings make another run.

    Examples:

      vp2p tune --steps 200

      vp2p tune --steps 300 --learning-rate 1e-4 --as long

      vp2p tune --steps 100 --learning-rate 5e-5 --seed 7 --as other

      vp2p tune --gradient-checkpointing --memory low --device cpu

      vp2p tune --gradient-checkpointing --dtype bf16 --seed 8 --wait 600

    For experts:

      vp2p tune --weight-decay 0 --gradient-clip 0.5 --train-norm-temp

      vp2p tune --weight-decay 0.1 --gradient-clip 2 --mixed 0.2

      vp2p tune --steps 200 --mixed 0.5 --train-norm-temp
    """
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.tune import plan_tune
    from vp2p.stages.tune import tune as tune_stage
    from vp2p.upkeep.tag import check_tag, tagging

    here = session(ctx, compute, wait)
    resolved = resolve(here, "tune", settings)
    if dry_run:
        planned = plan_tune(here, resolved)
        check_tag(planned, tag)
        return output.outlooks("tune", look_ahead(planned, force), planned.notes)
    with tagging(lambda: plan_tune(here, resolved), tag), output.progress() as progress:
        result = tune_stage(here, resolved, force, progress)
    output.stage(result)
