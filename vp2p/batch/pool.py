"""The loaded model of a process, lent to one workspace after another."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Mapping, TypeVar

from vp2p.models.folder import ModelFolder
from vp2p.settings import ModelSettings
from vp2p.stages.running import NONE, Patience
from vp2p.stages.session import Session
from vp2p.workspace import Workspace

if TYPE_CHECKING:
    from transformers import CLIPTokenizer

    from vp2p.pipeline.inflated import InflatedModel

_T = TypeVar("_T")


class Pool:
    """What the sessions of one process share of their models; of loaded weights it keeps the last model's.

    Args:
        patience: of the sessions.
    """

    def __init__(self, patience: Patience = NONE) -> None:
        self.patience = patience
        self._small: dict[tuple[str, ModelSettings], Any] = {}
        self._settings: ModelSettings | None = None
        self._model: InflatedModel | None = None

    def session(self, workspace: Workspace, compute: Mapping[str, Any] | None = None) -> Session:
        """A session that takes its model from here. It ends where the next one takes the model up."""
        return _Session(self, workspace, compute)

    def small(self, what: str, settings: ModelSettings, make: Callable[[], _T]) -> _T:
        """What ``make`` gives, once for each model."""
        if (what, settings) not in self._small:
            self._small[what, settings] = make()
        found: _T = self._small[what, settings]
        return found

    def model(self, settings: ModelSettings, load: Callable[[], InflatedModel]) -> InflatedModel:
        """The model as it is before any tuning, whatever it was used for; loaded unless it was the last one."""
        if self._model is None or self._settings != settings:
            self._settings = self._model = None  # so that two models are never held at once
            self._model, self._settings = load(), settings
        self._model.untune()
        return self._model


class _Session(Session):
    def __init__(self, pool: Pool, workspace: Workspace, compute: Mapping[str, Any] | None) -> None:
        super().__init__(workspace, compute, pool.patience)
        self._pool = pool

    @cached_property
    def folder(self) -> ModelFolder:
        return self._pool.small("folder", self.settings, lambda: super(_Session, self).folder)

    @cached_property
    def tokenizer(self) -> CLIPTokenizer:
        return self._pool.small("tokenizer", self.settings, lambda: super(_Session, self).tokenizer)

    @cached_property
    def model_identity(self) -> dict[str, str]:
        return self._pool.small("identity", self.settings, lambda: super(_Session, self).model_identity)

    @cached_property
    def model(self) -> InflatedModel:
        return self._pool.model(self.settings, lambda: super(_Session, self).model)
