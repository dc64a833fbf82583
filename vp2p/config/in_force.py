"""Every setting as it is in force, with where it comes from: what ``vp2p config`` shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from vp2p.config.initial import Sections, initial_layers
from vp2p.config.user import read_user_config
from vp2p.defaults import Layers, Origin, Resolved, resolve
from vp2p.models.card import Card, local_card
from vp2p.plain import read_yaml
from vp2p.schema import options, to_mapping
from vp2p.settings import SECTIONS, ComputeSettings, ModelSettings
from vp2p.workspace import Workspace
from vp2p.workspace.config import NAME


@dataclass(frozen=True)
class Setting:
    """One setting as it is in force; ``key`` is its section and name, ``tune.steps``."""

    key: str
    value: Any
    origin: Origin
    help: str


def stage_layers(stage: str, workspace: Workspace | None) -> Layers:
    """What a stage's settings are made of, between the model's card and the options."""
    kept = {} if workspace is None else workspace.config.stages.get(stage, {})
    return {"user config": read_user_config().get(stage, {}), "vp2p.yaml": kept}


def in_force(workspace: Workspace | None, environment: Sections) -> list[Setting]:
    """Every setting as the stages of a workspace would use it now, or without one as ``init`` would.

    Args:
        environment: the settings that environment variables give, by section.

    Raises:
        UsageError: a file's key or value is wrong.
    """
    found: list[Setting] = []
    card = Card()
    for section, cls in SECTIONS.items():
        resolved: Resolved[Any] = resolve(cls, _layers(section, workspace, environment.get(section, {}), card))
        if isinstance(resolved.settings, ModelSettings):
            card = local_card(resolved.settings.model)
        values = to_mapping(resolved.settings)
        found += [
            Setting(f"{section}.{one.name}", values[one.name], resolved.origins[one.name], one.help)
            for one in options(cls)
        ]
    return found


def _layers(section: str, workspace: Workspace | None, given: Mapping[str, Any], card: Card) -> Layers:
    if section not in ("clip", "model"):
        return {"model card": card.suited(section), **stage_layers(section, workspace), "environment": given}
    if workspace is None:
        return {**initial_layers(section, {}), "environment": given}
    # Options of a stage say where to compute. The frames and the model are the workspace's.
    compute = {one.name for one in options(ComputeSettings)} if section == "model" else set()
    in_environment = {name: value for name, value in given.items() if name in compute}
    return {"vp2p.yaml": _written(workspace, section), "environment": in_environment}


def _written(workspace: Workspace, section: str) -> Mapping[str, Any]:
    """The keys of a section that vp2p.yaml itself gives."""
    _ = workspace.config  # checks the file
    return read_yaml((workspace.folder / NAME).read_bytes()).get(section) or {}
