"""``vp2p init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vp2p.cli.common import Json
from vp2p.cli.options import settings_options
from vp2p.cli.output import output
from vp2p.settings import ClipSettings, ModelSettings, from_mapping


@settings_options(clip=ClipSettings, model_settings=ModelSettings)
def init(
    folder: Annotated[Path, typer.Argument(help="The workspace's folder, which is made.", show_default=False)],
    video: Annotated[str, typer.Option(help="A video, a GIF, or a folder of pictures.", show_default=False)],
    prompt: Annotated[str, typer.Option("--prompt", "-p", help="What the video shows.", show_default=False)],
    clip: dict[str, Any],
    model_settings: dict[str, Any],
    template: Annotated[
        str | None, typer.Option(help="Start from a template's settings: its name, or a YAML file.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a workspace for one video.

    Examples:

      vp2p init walk --video cat.mp4 --prompt "a cat on the grass" --model sprites

      vp2p init jump --video frames/ --prompt "a rabbit is jumping on the grass" --model sd15 --size 512
    """
    from vp2p.stages.init import init as init_workspace
    from vp2p.stages.templates import read_template
    from vp2p.workspace import WorkspaceConfig

    base = read_template(template)
    config = WorkspaceConfig(
        prompt,
        video,
        from_mapping(ClipSettings, {**base.get("clip", {}), **clip}),
        from_mapping(ModelSettings, {**base.get("model", {}), **model_settings}),
        {stage: base[stage] for stage in ("tune", "invert", "edit") if stage in base},
    )
    output.stage(init_workspace(folder, config))
