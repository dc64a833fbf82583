"""What a new workspace starts from: template < user config < option."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

from vp2p.config.user import read_user_config
from vp2p.defaults import Layers, resolve
from vp2p.errors import Vp2pError
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.workspace import WorkspaceConfig
from vp2p.workspace.config import NAME, read_config

Sections = Mapping[str, Mapping[str, Any]]


def initial_layers(section: str, template: Sections) -> Layers:
    """What ``vp2p init`` starts a section from, below its options."""
    return {"template": template.get(section, {}), "user config": read_user_config().get(section, {})}


def initial_config(prompt: str, video: str, template: Sections, options: Sections, folder: Path) -> WorkspaceConfig:
    """What ``vp2p init`` writes: its options, else the user's configuration, else the template's settings.

    The template's settings of the stages are kept where the user's configuration says nothing. Where nobody says in
    which number format to compute, it is that of the workspace in ``folder``, if there is one already, as the same
    command made it before; else the one that suits this machine.

    Args:
        options: by section, ``clip`` and ``model``.

    Raises:
        UsageError: a value is wrong, or does not go with the others.
    """
    user = read_user_config()
    stages = {
        stage: {name: value for name, value in settings.items() if name not in user.get(stage, {})}
        for stage, settings in template.items()
        if stage not in ("clip", "model")
    }
    in_clip = resolve(ClipSettings, {**initial_layers("clip", template), "option": options["clip"]}).settings
    of_model = {**initial_layers("model", template), "option": options["model"]}
    in_model = resolve(ModelSettings, of_model).settings
    if not any("dtype" in layer for layer in of_model.values()):
        there = _there(folder)
        in_model = suited(in_model) if there is None else replace(in_model, dtype=there.model.dtype)
    return WorkspaceConfig(prompt, video, in_clip, in_model, stages)


def _there(folder: Path) -> WorkspaceConfig | None:
    """What the workspace in a folder is about, where there is one that can be read."""
    with suppress(Vp2pError, OSError):
        return read_config(folder / NAME) if (folder / NAME).exists() else None
    return None


def suited(model: ModelSettings) -> ModelSettings:
    """The same in the number format that suits this machine, for a new workspace.

    Raises:
        UsageError: the device is not there.
    """
    from vp2p.models.devices import choose_device, quickest_dtype

    dtype: Any = quickest_dtype(choose_device(model.device))
    return replace(model, dtype=dtype)


def overruled(template: Sections) -> list[str]:
    """A note for each setting of a template that the user's own configuration overrules."""
    user = read_user_config()
    return [
        f"your configuration's {section}.{name} {user[section][name]} stands, not the template's {value}"
        for section, settings in template.items()
        for name, value in settings.items()
        if user.get(section, {}).get(name, value) != value
    ]
