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
        str,
        typer.Option(
            metavar="PATH", help="A video, a GIF, or a folder of pictures.", show_default=False, autocompletion=clips
        ),
    ],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What the video shows.", show_default=False)],
    clip: dict[str, Any],
    model_settings: dict[str, Any],
    template: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Start from the settings of a template: its name, or a YAML file.",
            autocompletion=templates,
        ),
    ] = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Make a workspace for one video.

    A workspace is a folder. It keeps which frames of the video are edited, what they show, and
    with which model. The other commands work in it.

    Examples:

      vp2p init walk --video cat.mp4 --prompt "a cat on the grass"

      vp2p init jump --video frames/ -p "a jumping rabbit" --model sd15 --size 512

      vp2p init part --video cat.mp4 -p "a cat" --start 2 --end 4.5 --fps 8

      vp2p init slow --video cat.mp4 -p "a cat" --start 1 --end 3 --stride 2

      vp2p init wide --video cat.mp4 -p "a cat" --size 512x320 --fit stretch

      vp2p init edge --video cat.mp4 -p "a cat" --size keep --fit pad --fps 12

      vp2p init all --video cat.mp4 -p "a cat" --frames all --stride 3

      vp2p init few --video cat.mp4 -p "a cat" --frames 12 --template fast

      vp2p init mine --video cat.mp4 -p "a cat" --template mine.yaml --dry-run

      vp2p init toon --video cat.mp4 -p "a cat" --model toon.safetensors

      vp2p init warm --video a.mp4 -p cat --model sd15 --lora warm.safetensors:0.8

      vp2p init both --video a.mp4 -p cat --model sd15 --lora oil/ --lora ink/:0.5

      vp2p init edges --video a.mp4 -p cat --model sd15 --control canny=net/:0.8

      vp2p init far --video a.mp4 -p cat --control depth=n --control-video depth=d

      vp2p init pose --video a.mp4 -p cat --control pose=n --control-video pose=p

      vp2p init look --video a.mp4 -p cat --model sd15 --ip-adapter h94/IP-Adapter

      vp2p init plus --video a.mp4 -p cat --model m/ --ip-adapter plus.safetensors

      vp2p init half --video cat.mp4 -p cat --model sd15 --variant fp16 --vae vae/

      vp2p init base --video cat.mp4 -p cat --model base/ --variant ema

      vp2p init sharp --video a.mp4 -p cat --model sd15 --vae sharp.safetensors

      vp2p init tiny --video a.mp4 -p cat --model t.safetensors --model-config t/

      vp2p init own --video a.mp4 -p cat --model own.safetensors --model-config o/

    For experts:

      vp2p init long --video cat.mp4 -p "a cat" --frames all --window-frames 24

      vp2p init less --video cat.mp4 -p "a cat" --frames 120 --window-frames 12

      vp2p init eps --video cat.mp4 -p cat --model e/ --prediction-type epsilon

      vp2p init v --video cat.mp4 -p cat --model v/ --prediction-type v_prediction

      vp2p init paper --video cat.mp4 -p "a cat" --group-norm joint

      vp2p init plain --video cat.mp4 -p cat --group-norm joint --attention self

      vp2p init each --video cat.mp4 -p "a cat" --attention self
    """
    from vp2p.config.initial import initial_config, overruled
    from vp2p.config.templates import read_template
    from vp2p.stages.init import init as init_workspace
    from vp2p.stages.init import plan_init

    base = read_template(template)
    config = initial_config(prompt, video, base, {"clip": clip, "model": model_settings}, folder)
    if dry_run:
        return output.outlooks("init", [plan_init(folder, config).outlook()])
    result = init_workspace(folder, config)
    output.stage(replace(result, notes=(*overruled(base), *result.notes)))
