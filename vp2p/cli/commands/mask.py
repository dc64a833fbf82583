"""``vp2p mask``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vp2p.cli.common import As, DryRun, Force, Json, Wait, resolve, session
from vp2p.cli.completion import prompt_words
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.errors import UsageError
from vp2p.settings import ComputeSettings, MaskSettings


@settings_options(settings=MaskSettings, compute=ComputeSettings)
def mask(
    ctx: typer.Context,
    settings: dict[str, Any],
    compute: dict[str, Any],
    text: Annotated[
        str | None,
        typer.Argument(metavar="WORDS", help="The same as --mask-text.", autocompletion=prompt_words),
    ] = None,
    tag: As = None,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Find a mask by words or by a point, and show where it lies.

    The mask is followed through the clip and kept. An edit takes it by --mask and its
    name, as --mask cat, or makes the same one by --mask-text or --mask-point. With SAM 2 and
    Grounding DINO in the hub's cache, they find it. Without them a point is grown by
    the clip's colours, and words of the prompt are where the edit model sees them.

    Examples:

      vp2p mask "the cat" --as cat

      vp2p mask --mask-point 320,200 --mask-point=-40,30 --as left

      vp2p mask "the left rabbit" --segmenter sam2/ --detector dino/

      vp2p mask --mask-text cat --segmenter sam2/ --detector dino/ --mask-grow 2

      vp2p mask --mask-point 50%,60% --segmenter none --mask-grow 3

    For experts:

      vp2p mask --mask-text "the cat" --mask-threshold 0.5

      vp2p mask "cat" --mask-threshold 0.2 --segmenter none
    """
    from vp2p.stages.dry_run import dry_run as look_ahead
    from vp2p.stages.mask import mask as mask_stage
    from vp2p.stages.mask import plan_mask
    from vp2p.upkeep.tag import check_tag, tagging

    if text is not None and "mask_text" in settings:
        raise UsageError("The words are given twice.", "leave out --mask-text")
    here = session(ctx, compute, wait)
    given = settings if text is None else {**settings, "mask_text": text}
    planned = plan_mask(here, resolve(here, "edit", given).blend.found)
    if dry_run:
        check_tag(planned, tag)
        return output.outlooks("mask", look_ahead(planned, force), planned.notes)
    with tagging(lambda: planned, tag), output.progress() as progress:
        result = mask_stage(here, planned, force, progress, tag)
    output.stage(result)
