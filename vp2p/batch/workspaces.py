"""Which folder is the workspace of an item: one for each video with the same clip and model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Hashable

from vp2p.batch.plan.items import Item
from vp2p.batch.plan.read import Plan
from vp2p.config.initial import suited
from vp2p.config.placing import placed_controls
from vp2p.errors import UsageError
from vp2p.models.sources import located
from vp2p.schema import from_mapping, identifying
from vp2p.settings import ClipSettings, ModelSettings
from vp2p.workspace import WorkspaceConfig
from vp2p.workspace.config import read_config
from vp2p.workspace.identity import identity
from vp2p.workspace.names import cut_name

_COMPUTE = ("device", "dtype", "memory")


@dataclass(frozen=True)
class PlannedWorkspace:
    """A workspace's folder, made or not, and what it is about; ``config.video`` is an absolute path."""

    folder: Path
    config: WorkspaceConfig

    def compute(self, item: Item) -> dict[str, Any]:
        """What the plan says of device, dtype and memory for the item, where it is not the workspace's."""
        model = from_mapping(ModelSettings, item.sections["model"])
        said = {key: getattr(model, key) for key in _COMPUTE if key in item.sections["model"]}
        return {key: value for key, value in said.items() if value != getattr(self.config.model, key)}


class Workspaces:
    """Gives each item its workspace. The first that a video's name is free for has it; others add a digest."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[Hashable, PlannedWorkspace] = {}
        self._taken: set[Path] = set()

    def of(self, item: Item) -> PlannedWorkspace:
        """The item's workspace.

        Raises:
            UsageError: the video is gone, or a folder of the name holds something else.
            ModelError: the model's name can be none.
        """
        clip = from_mapping(ClipSettings, item.sections["clip"])
        model = located(from_mapping(ModelSettings, item.sections["model"]))
        stages = {name: values for name, values in item.base.items() if name in ("tune", "invert", "edit") and values}
        config = WorkspaceConfig(item.prompt, str(item.path), clip, model, stages)
        wish = (item.video, _about(config))
        if wish not in self._known:
            self._known[wish] = self._find(item, config)
        return self._known[wish]

    def _find(self, item: Item, config: WorkspaceConfig) -> PlannedWorkspace:
        root = self._plan.workspaces
        about = {
            "clip": identifying(config.clip),
            "model": _without_compute(identifying(config.model)),
            "video": str(item.path),
            "prompt": item.prompt,
        }
        for name in (item.video, cut_name(item.video, "-" + identity("workspace", about)[:8])):
            folder = root / name
            if folder in self._taken:
                continue
            there = _read(folder)
            if there is None and not item.path.exists():
                raise UsageError(f"There is no video {item.path}.", "correct the path; it starts at the plan's folder")
            if there is None and _free(folder) or there is not None and _about(there) == _about(config):
                self._taken.add(folder)
                return PlannedWorkspace(folder, there or _new(item, config))
        raise UsageError(f"{folder} exists already, and holds no workspace of this video.", "give another name:")


def _new(item: Item, config: WorkspaceConfig) -> WorkspaceConfig:
    """A new workspace's, in the number format that suits this machine where the plan says none."""
    said = "dtype" in item.sections["model"]
    return config if said else dataclasses.replace(config, model=suited(config.model))


def _read(folder: Path) -> WorkspaceConfig | None:
    """What the workspace in ``folder`` is about, its video by an absolute path; None if there is none."""
    if not (folder / "vp2p.yaml").exists():
        return None
    config = read_config(folder / "vp2p.yaml")
    return dataclasses.replace(config, video=str(folder / config.video), clip=placed_controls(config.clip, folder))


def _free(folder: Path) -> bool:
    return not folder.exists() or folder.is_dir() and not any(folder.iterdir())


def _about(config: WorkspaceConfig) -> Hashable:
    """All that makes two workspaces the same one."""
    video = Path(config.video).expanduser().resolve()
    model = dataclasses.replace(config.model, device="auto", dtype="auto", memory="auto")
    return config.prompt, video, placed_controls(config.clip, Path()), model


def _without_compute(model: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in model.items() if key not in _COMPUTE}
