"""``vp2p attention``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vp2p.cli.common import DryRun, Force, FromTune, Json, Wait, session
from vp2p.cli.completion import blend_words, fixed, sentences
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.schema import options
from vp2p.settings import AttentionSettings, ComputeSettings

_HELP = {one.name: one.help for one in options(AttentionSettings)}


@settings_options(compute=ComputeSettings)
def attention(
    ctx: typer.Context,
    compute: dict[str, Any],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help=_HELP["words"], autocompletion=blend_words)
    ] = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", help=_HELP["prompt"], autocompletion=sentences)
    ] = None,
    steps: Annotated[
        str,
        typer.Option(metavar="START:END", help=_HELP["steps"], autocompletion=fixed("0.2:1", "0:0.5", "0.5:1", "0:1")),
    ] = "0.2:1",
    level: Annotated[
        str | None, typer.Option(metavar="SIZE|all", help=_HELP["level"], autocompletion=fixed("all", "8", "16", "32"))
    ] = None,
    parent: FromTune = None,
    force: Force = False,
    wait: Wait = 0.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Show where the model sees each word, before an edit is made.

    The model, tuned where a tune run exists, denoises the noised clip. The sheet shows each
    word's cross-attention as heat on the frames. A word whose heat is spread out is hard to edit.

    Examples:

      vp2p attention cat grass

      vp2p attention cat --level all --from long

      vp2p attention --prompt "a dog on the grass" --steps 0.5:1

      vp2p attention --prompt "a cat on snow" --steps 0:0.5 --level 16 --from long

      vp2p attention grass --dtype bf16 --memory low
    """
    from vp2p.stages.attention import attention as attention_stage
    from vp2p.stages.attention import plan_attention
    from vp2p.stages.dry_run import dry_run as look_ahead

    here = session(ctx, compute, wait)
    settings = AttentionSettings(tuple(words or ()), prompt, steps, level)
    if dry_run:
        return output.outlooks("attention", look_ahead(plan_attention(here, settings, parent), force))
    with output.progress() as progress:
        result = attention_stage(here, settings, parent, force, progress)
    output.stage(result)
