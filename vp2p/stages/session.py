"""A workspace and its model, loaded once and only when a stage has work for it."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.errors import ArtifactError
from vp2p.garbage import uncollected
from vp2p.models.folder import ModelFolder, fingerprint
from vp2p.models.opening import open_model
from vp2p.schema import identifying
from vp2p.settings import ComputeSettings, ModelSettings
from vp2p.stages.planned import Planned
from vp2p.stages.running import NONE, Patience
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.tensors import map_tensors

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from vp2p.pipeline.inflated import InflatedModel


class Session:
    """What the stages of one process share.

    Args:
        workspace: the workspace.
        compute: device, dtype and memory, where they are not to be the workspace's.
        patience: how long to wait for another process that writes a run.
    """

    def __init__(
        self, workspace: Workspace, compute: Mapping[str, Any] | None = None, patience: Patience = NONE
    ) -> None:
        self.workspace = workspace
        self.patience = patience
        self._compute = dict(compute or {})
        self._tuned: str | None = None

    @cached_property
    def settings(self) -> ModelSettings:
        """The model's settings, as they are in force."""
        return dataclasses.replace(self.workspace.config.model, **self._compute)

    @cached_property
    def folder(self) -> ModelFolder:
        """The model's folder, checked but not loaded."""
        return open_model(self.settings)

    @cached_property
    def tokenizer(self) -> CLIPTokenizer:
        """The model's tokenizer, which needs no weights."""
        with uncollected():
            from vp2p.models.tokenizing import load_tokenizer

        return load_tokenizer(self.folder)

    @cached_property
    def model(self) -> InflatedModel:
        """The loaded model, untuned until :meth:`use_tuned`."""
        with uncollected():
            from vp2p.models.loading import load_model
            from vp2p.pipeline.inflated import InflatedModel
            from vp2p.t2s.ranks import Ranks

        settings = self.settings
        modes = settings.group_norm, settings.attention, settings.memory, settings.window_frames
        model = InflatedModel(load_model(settings), *modes)
        model.t2s.ranks = Ranks.joined(model.device)
        return model

    @cached_property
    def model_identity(self) -> dict[str, str]:
        """All of the model that a result depends on."""
        with uncollected():
            from vp2p.models.devices import choose_device, choose_dtype

        dtype = choose_dtype(self.settings.dtype, choose_device(self.settings.device))
        given = identifying(self.settings)
        return {
            "fingerprint": fingerprint(self.folder),
            **{key: given[key] for key in ("group_norm", "attention") if key in given},
            "dtype": str(dtype).removeprefix("torch."),
        }

    @property
    def compute(self) -> dict[str, Any]:
        """What was said of device, dtype and memory for this process alone."""
        return dict(self._compute)

    def check_model(self, planned: Planned) -> None:
        """Raises ArtifactError if a tune or invert run is of another model than this one."""
        used, run = planned.recorded["model"], planned.run
        mine = self.model_identity
        if any(used.get(key) != mine.get(key) for key in ("fingerprint", "group_norm", "attention")):
            raise ArtifactError(
                f"The run {run.stage}/{run.name} was made with another model than {self.settings.model}.", "vp2p tune"
            )

    def use_tuned(self, run: RunFolder) -> None:
        """Puts a tune run's weights into the model.

        Raises:
            ArtifactError: they are missing or damaged.
        """
        if not run.folder.exists():
            raise ArtifactError(f"The run tune/{run.name}, which this goes on from, is gone.", "vp2p tune")
        if self._tuned == run.identity:
            return
        run.verify()
        self.model.t2s.load_tuned(map_tensors(run.path("tuned.safetensors"), run.rebuild))
        self._tuned = run.identity

    def tuned_is(self, run: RunFolder) -> None:
        """Notes that the model holds a run's weights already, as after tuning it."""
        self._tuned = run.identity


def compute_settings(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Checks what a command says of device, dtype and memory."""
    from vp2p.schema import from_mapping

    from_mapping(ComputeSettings, values)
    return values
