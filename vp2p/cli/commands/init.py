"""``vp2p init``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from vp2p.cli.common import DryRun, Json
from vp2p.cli.completion import clips, templates
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ClipSettings, ModelSettings


@settings_options(clip=ClipSettings, model_settings=ModelSettings)
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make the workspace in.", show_default=False)],
    video: Annotated[
        str, typer.Option(help="A video, a GIF, or a folder of pictures.", show_default=False, autocompletion=clips)
    ],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What the video shows.", show_default=False)],
    clip: dict[str, Any],
    model_settings: dict[str, Any],
    template: Annotated[
        str | None,
        typer.Option(help="Start from the settings of a template: its name, or a YAML file.", autocompletion=templates),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a workspace for one video.

    Examples:

      vp2p init walk --video cat.mp4 --prompt "a cat on the grass" --model sprites

      vp2p init jump --video frames/ --prompt "a rabbit is jumping on the grass" --model sd15 --size 512

      vp2p init toon --video cat.mp4 -p "a cat" --model toon.safetensors

      vp2p init warm --video cat.mp4 -p "a cat" --model sd15 --lora warm.safetensors:0.8

      vp2p init both --video cat.mp4 -p "a cat" --model sd15 --lora warm/ --lora ink/:0.5

      vp2p init edges --video cat.mp4 -p "a cat" --model sd15 --control canny=canny-net/:0.8

      vp2p init far --video cat.mp4 -p "a cat" --control depth=net/ --control-video depth=d.mp4

      vp2p init pose --video cat.mp4 -p "a cat" --control pose=net/ --control-video pose=p.mp4

      vp2p init look --video cat.mp4 -p "a cat" --model sd15 --ip-adapter h94/IP-Adapter

      vp2p init plus --video cat.mp4 -p "a cat" --ip-adapter ip-adapter-plus_sd15.safetensors

      vp2p init long --video cat.mp4 -p "a cat" --frames all --window-frames 24

      vp2p init less --video cat.mp4 -p "a cat" --frames 120 --window-frames 12

      vp2p init half --video cat.mp4 -p "a cat" --model sd15 --variant fp16 --vae vae/

      vp2p init base --video cat.mp4 -p "a cat" --model base/ --variant ema --vae v.safetensors

      vp2p init tiny --video cat.mp4 -p "a cat" --model t.safetensors --model-config tiny/

      vp2p init own --video cat.mp4 -p "a cat" --model own.safetensors --model-config base/

      vp2p init eps --video cat.mp4 -p "a cat" --model e.safetensors --prediction-type epsilon

      vp2p init vel --video cat.mp4 -p "a cat" --model v/ --prediction-type v_prediction
    """
    from vp2p.config.initial import initial_config, overruled
    from vp2p.config.templates import read_template
    from vp2p.stages.init import init as init_workspace
    from vp2p.stages.init import plan_init

    base = read_template(template)
    config = initial_config(prompt, video, base, clip, model_settings)
    if dry_run:
        return output.outlooks("init", [plan_init(folder, config).outlook()])
    result = init_workspace(folder, config)
    output.stage(replace(result, notes=(*overruled(base), *result.notes)))
