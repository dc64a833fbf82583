"""``vp2p invert``."""

from __future__ import annotations

from typing import Any

import typer

from vp2p.cli.common import Force, From, Json, resolve, session
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ComputeSettings, InvertSettings


@settings_options(settings=InvertSettings, compute=ComputeSettings)
def invert(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    parent: From = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Invert the clip to noise.

    Done once, it serves every edit. The methods: null-text optimises embeddings so
    that guided denoising returns to the clip; direct replays the stored latents, at
    no cost; ddim leaves the source unguided, and drifts.

    Examples:

      vp2p invert --method null-text --steps 50

      vp2p invert --method direct
    """
    from vp2p.stages.invert import invert as invert_stage

    here = session(ctx, compute)
    with output.progress() as progress:
        result = invert_stage(here, resolve(InvertSettings, here, "invert", settings), parent, force, progress)
    output.stage(result)
