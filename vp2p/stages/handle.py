"""A workspace for a Python program: the stages as methods, kept and resumable."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Iterable, Iterator, Mapping

from vp2p.defaults import for_model
from vp2p.pipeline.pairs import SEVERAL, pairs
from vp2p.progress import Progress, silent
from vp2p.prompts.alternatives import alternatives, single
from vp2p.schema import from_mapping
from vp2p.settings import AttentionSettings, ClipSettings, ModelSettings
from vp2p.stages import attention, edit, full, init, invert, mask, tune
from vp2p.stages.edited import Format
from vp2p.stages.redo import redo
from vp2p.stages.result import StageResult
from vp2p.stages.saving import Interrupted
from vp2p.stages.session import Session
from vp2p.workspace import Workspace, WorkspaceConfig


class OpenWorkspace:
    """An open workspace. Its verbs are the commands of the same name, with their options; see docs/python.md.

    The model is loaded once, when a verb first has work for it. Every verb skips what is finished, and takes up what
    was interrupted. Defaults are what the model's card recommends, then what vp2p.yaml says.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._session = Session(Workspace.find(explicit=folder, redo=redo))

    def __enter__(self) -> OpenWorkspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the model; the next verb loads it again."""
        self._session = Session(Workspace.find(explicit=self.folder, redo=redo))

    def tune(self, *, force: bool = False, on_step: Progress = silent, **options: Any) -> StageResult:
        """Tunes the model on the workspace's clip; ``options`` as for :meth:`vp2p.VideoModel.tune`.

        Raises:
            Vp2pError: see the workspace, the video and the model.
        """
        with _interruptible():
            return tune.tune(self._session, self._settings("tune", options), force, on_step)

    def invert(
        self, *, parent: str | None = None, force: bool = False, on_step: Progress = silent, **options: Any
    ) -> StageResult:
        """Inverts the clip by the tune run ``parent``, by default the newest; ``options`` as for a model's ``invert``.

        Raises:
            ArtifactError: there is no tune run yet.
        """
        with _interruptible():
            return invert.invert(self._session, self._settings("invert", options), parent, force, on_step)

    def edit(
        self,
        *,
        swap: Mapping[str, str] | Iterable[str] = (),
        name: str | None = None,
        parent: str | None = None,
        force: bool = False,
        format: Format = "mp4",
        on_step: Progress = silent,
        **options: Any,
    ) -> StageResult:
        """Edits the clip by the inversion ``parent``, by default the newest.

        Args:
            name: the edit's name; by default it is made of the changed words.
            options: as for :meth:`vp2p.VideoModel.edit`; ``mask`` is a path here, or the name of a mask run.

        Raises:
            ArtifactError: there is no inversion yet.
            UsageError, PromptError: a wrong option or word; another edit has the name.
        """
        settings = single(self._settings("edit", pairs(options | {"swap": swap})), SEVERAL)
        with _interruptible():
            return edit.edit(self._session, settings, parent, edit.KeepAs(name, format, force), on_step)

    def edit_all(
        self,
        edits: Iterable[Mapping[str, Any]],
        *,
        parent: str | None = None,
        force: bool = False,
        format: Format = "mp4",
        on_step: Progress = silent,
        **options: Any,
    ) -> list[StageResult]:
        """Makes several edits side by side, each a run of its own, as :meth:`edit` would one after the other.

        Args:
            edits: of each edit the options that are its own, such as ``{"swap": {"cat": "dog"}}``. One with
                alternatives, such as ``{"swap": {"cat": ("dog", "fox")}}``, stands for an edit for each.
            options: of all edits, as for :meth:`edit`.

        Raises:
            ArtifactError, UsageError, PromptError: as for :meth:`edit`; then none is made.
        """
        given = (self._settings("edit", pairs(options | dict(own))) for own in edits)
        asked = [settings for one in given for settings in alternatives(one)]
        with _interruptible():
            return edit.edit_all(self._session, asked, parent, edit.KeepAs(None, format, force), on_step)

    def full(self, name: str | None = None, *, force: bool = False, on_step: Progress = silent) -> StageResult:
        """Brings the edit ``name``, by default the newest, to the source's own size and rate, with its sound.

        Raises:
            ArtifactError: no edit is finished.
            UsageError: the video is gone or has changed, or the edit is not of an object.
        """
        with _interruptible():
            return full.full(self._session, name, force, on_step)

    def attention(self, *words: str, force: bool = False, on_step: Progress = silent, **options: Any) -> StageResult:
        """Keeps where the model sees the words in the clip, by default all that name something.

        Raises:
            UsageError, PromptError: a wrong option or word.
        """
        settings = from_mapping(AttentionSettings, {**options, "words": words})
        with _interruptible():
            return attention.attention(self._session, settings, None, force, on_step)

    def mask(self, *, force: bool = False, on_step: Progress = silent, **options: Any) -> StageResult:
        """Finds and keeps a mask; an edit takes it by ``mask=result.run``.

        Args:
            options: as for :meth:`vp2p.VideoModel.mask`; points are in pixels of the video.

        Raises:
            UsageError, PromptError, ModelError: as there.
        """
        settings = self._settings("edit", pairs(options)).blend.found
        with _interruptible():
            return mask.mask(self._session, mask.plan_mask(self._session, settings), force, on_step)

    def _settings(self, stage: str, given: Mapping[str, Any]) -> Any:
        kept = self._session.workspace.config.stages.get(stage, {})
        return for_model(self._session.folder, stage, given, {"vp2p.yaml": kept})


def open_workspace(
    folder: Path | str, video: Path | str | None = None, prompt: str | None = None, **options: Any
) -> OpenWorkspace:
    """Opens a workspace, or makes it first where ``video`` and ``prompt`` are given.

    Args:
        options: of the clip and the model, where it is made: ``frames=8``, ``model="sd15"``.

    Raises:
        NoWorkspaceError: there is none in ``folder``.
        UsageError, VideoError, PromptError, ModelError: it cannot be made of these.
    """
    folder = Path(folder)
    if video is not None and prompt is not None:
        of_clip = {name: value for name, value in options.items() if name in ClipSettings.__dataclass_fields__}
        of_model = {name: value for name, value in options.items() if name not in of_clip}
        clip, model = from_mapping(ClipSettings, of_clip), from_mapping(ModelSettings, of_model)
        init.init(folder, WorkspaceConfig(prompt, str(video), clip, model))
    return OpenWorkspace(folder)


@contextmanager
def _interruptible() -> Iterator[None]:
    """An interrupt ends a verb as Python programs expect; its checkpoint is saved by then."""
    try:
        yield
    except Interrupted as error:
        if error.signum == signal.SIGINT:
            raise KeyboardInterrupt from error
        raise
