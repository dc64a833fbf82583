"""``vp2p tune``."""

from __future__ import annotations

from typing import Any

import typer

from vp2p.cli.common import Force, Json, resolve, session
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, TuneSettings


@settings_options(settings=TuneSettings, compute=ComputeSettings)
def tune(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    force: Force = False,
    json: Json = False,
) -> None:
    """Tune the model on the workspace's clip.

    Rerunning after an interruption goes on from the last checkpoint; other settings make another run.

    Examples:

      vp2p tune --steps 200

      vp2p tune --steps 300 --learning-rate 1e-4
    """
    from vp2p.stages.tune import tune as tune_stage

    here = session(ctx, compute)
    with output.progress() as progress:
        result = tune_stage(here, resolve(TuneSettings, here, "tune", settings), force, progress)
    output.stage(result)
