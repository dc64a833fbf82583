"""The command that makes a workspace again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from vp2p.schema import options
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.stages.redo import as_options
from vp2p.text import command_line
from vp2p.workspace import Workspace


def init_command(workspace: Workspace) -> str:
    """What is typed in the folder that holds the workspace to make one like it."""
    config, folder = workspace.config, workspace.folder
    absolute = Path(config.video).is_absolute()
    video = config.video if absolute else os.path.relpath(workspace.video, folder.parent)
    words = ["vp2p", "init", folder.name, "--video", video, "--prompt", config.prompt]
    parts = (text.partition("=")[::2] for text in config.clip.control_video)
    controls = tuple(f"{kind}={os.path.relpath(folder / path, folder.parent)}" for kind, path in parts)
    clip = replace(config.clip, control_video=controls)
    return command_line([*words, "--model", config.model.model, *_options(clip), *_options(config.model)])


def _options(settings: ClipSettings | ModelSettings) -> list[str]:
    """An option for each setting that is not the default; the model is named by itself."""
    kind: type = type(settings)
    known = options(kind)
    values = {one.name: one.of(settings) for one in known if one.name != "model"}
    defaults = {one.name: one.default for one in known}
    return as_options({name: value for name, value in values.items() if value != defaults[name]})
