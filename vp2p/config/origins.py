"""Where settings come from: layers of values, the weakest first, and the user's own configuration."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Iterable, Literal, Mapping

import platformdirs

from vp2p.config.sections import read_sections
from vp2p.models.card import local_card
from vp2p.plain import read_yaml
from vp2p.settings import (
    SECTIONS,
    ClipSettings,
    ComputeSettings,
    ModelSettings,
    from_mapping,
    setting_name,
    to_mapping,
)
from vp2p.workspace import Workspace, WorkspaceConfig
from vp2p.workspace.config import NAME

Origin = Literal["default", "template", "model card", "user config", "vp2p.yaml", "environment", "command line"]
Layer = tuple[Origin, Mapping[str, Any]]
Sections = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Setting:
    """One setting as it is in force; ``key`` is its section and name, ``tune.steps``."""

    key: str
    value: Any
    origin: Origin
    help: str


def config_folder() -> Path:
    """The user's own folder: ``config.yaml``, and ``templates/``."""
    return Path(platformdirs.user_config_dir("vp2p"))


def user_config() -> Path:
    """The user's configuration, which need not be there."""
    return config_folder() / "config.yaml"


def read_user_config() -> dict[str, dict[str, Any]]:
    """The user's settings by section. Raises UsageError for a wrong section, key or value."""
    path = user_config()
    return read_sections(path, "user config") if os.path.exists(path) else {}


def layered(cls: type, layers: Iterable[Layer]) -> tuple[Any, dict[str, Origin]]:
    """The settings that layers of values make, the last the strongest, and where each came from.

    Raises:
        UsageError: an unknown key, a wrong value, or values that do not go together.
    """
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {field.name: "default" for field in fields(cls)}
    for origin, layer in layers:
        for key, value in layer.items():
            name = setting_name(key)
            values[name], origins[name] = value, origin
    return from_mapping(cls, values), origins


def init_layers(section: str, template: Sections) -> list[Layer]:
    """What ``vp2p init`` starts a section from, below its options."""
    return [("template", template.get(section, {})), ("user config", read_user_config().get(section, {}))]


def starting(
    prompt: str, video: str, template: Sections, clip: Mapping[str, Any], model: Mapping[str, Any]
) -> WorkspaceConfig:
    """What ``vp2p init`` writes: its options, else the user's configuration, else the template's settings.

    Of the stages' settings the template's are kept, where the user's configuration says nothing.

    Raises:
        UsageError: a value is wrong, or does not go with the others.
    """
    user = read_user_config()
    stages = {
        stage: {name: value for name, value in settings.items() if name not in user.get(stage, {})}
        for stage, settings in template.items()
        if stage not in ("clip", "model")
    }
    in_clip, _ = layered(ClipSettings, [*init_layers("clip", template), ("command line", clip)])
    in_model, _ = layered(ModelSettings, [*init_layers("model", template), ("command line", model)])
    return WorkspaceConfig(prompt, video, in_clip, in_model, stages)


def overruled(template: Sections) -> list[str]:
    """A note for each setting of a template that the user's own configuration overrules."""
    user = read_user_config()
    return [
        f"your configuration's {section}.{name} {user[section][name]} stands, not the template's {value}"
        for section, settings in template.items()
        for name, value in settings.items()
        if user.get(section, {}).get(name, value) != value
    ]


def stage_layers(stage: str, suited: Mapping[str, Any], workspace: Workspace | None) -> list[Layer]:
    """What a stage starts from, below its options; ``suited`` is what the model's card says."""
    layers: list[Layer] = [("model card", suited), ("user config", read_user_config().get(stage, {}))]
    if workspace is not None:
        layers.append(("vp2p.yaml", workspace.config.stages.get(stage, {})))
    return layers


def in_force(workspace: Workspace | None, environment: Sections) -> list[Setting]:
    """Every setting as the stages of a workspace would use it now, or without one as ``init`` would.

    Args:
        environment: the settings that environment variables give, by section.

    Raises:
        UsageError: a file's key or value is wrong.
    """
    found: list[Setting] = []
    card: Mapping[str, Any] = {}
    for section, cls in SECTIONS.items():
        given = environment.get(section, {})
        if section not in ("clip", "model"):
            layers = stage_layers(section, card.get("settings", {}).get(section, {}), workspace)
        elif workspace is None:
            layers = init_layers(section, {})
        else:
            layers = [("vp2p.yaml", _written(workspace, section))]
            # Options of a stage say where to compute; the frames and the model are the workspace's.
            given = {field.name: given[field.name] for field in fields(ComputeSettings) if field.name in given}
            given = given if section == "model" else {}
        settings, origins = layered(cls, [*layers, ("environment", given)])
        if section == "model":
            card = local_card(settings.model)
        values = to_mapping(settings)
        found += [
            Setting(f"{section}.{field.name}", values[field.name], origins[field.name], field.metadata["help"])
            for field in fields(cls)
        ]
    return found


def _written(workspace: Workspace, section: str) -> Mapping[str, Any]:
    """The keys of a section that vp2p.yaml itself gives."""
    _ = workspace.config  # checks the file
    return read_yaml((workspace.folder / NAME).read_bytes()).get(section) or {}
