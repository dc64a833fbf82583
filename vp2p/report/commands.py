"""The exact commands that make a workspace and its runs again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vp2p.schema import options
from vp2p.text import command_line
from vp2p.workspace import RunFolder, Workspace

_FORCE = " --force"


def run_command(run: RunFolder) -> str:
    """What is typed in the workspace to have this run, where it is not there yet; empty for a source run."""
    return "" if run.stage == "source" else run.rebuild.removesuffix(_FORCE)


def init_command(workspace: Workspace) -> str:
    """What is typed in the folder that holds the workspace to make one like it."""
    config, folder = workspace.config, workspace.folder
    absolute = Path(config.video).is_absolute()
    video = config.video if absolute else os.path.relpath(workspace.video, folder.parent)
    words = ["vp2p", "init", folder.name, "--video", video, "--prompt", config.prompt]
    return command_line([*words, "--model", config.model.model, *_options(config.clip), *_options(config.model)])


def _options(settings: Any) -> list[str]:
    """An option for each setting that is not the default; the model is named by itself."""
    words = []
    for field in options(type(settings)):
        value = field.of(settings)
        if value not in (None, field.default) and field.name != "model":
            words += ["--" + field.name.replace("_", "-"), str(value)]
    return words
