"""``vp2p init``: a workspace for one video."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from vp2p.addresses import refuse_address
from vp2p.config.placing import placed_controls
from vp2p.models.sources import located
from vp2p.prompts.words import split_prompt, unknown_words
from vp2p.stages.controls import unused_controls
from vp2p.stages.dry_run import StageOutlook
from vp2p.stages.redo import redo
from vp2p.stages.result import StageResult
from vp2p.stages.session import Session
from vp2p.stages.source import make_source, plan_source, read_frames
from vp2p.text import quoted, typed
from vp2p.workspace import Workspace, WorkspaceConfig
from vp2p.workspace.create import check_free, making

if TYPE_CHECKING:
    from vp2p.video.clip import Clip


@dataclass(frozen=True)
class PlannedInit:
    """A workspace that can be made: its folder and vp2p.yaml, its model, its frames, and notes for the user."""

    folder: Path
    config: WorkspaceConfig
    session: Session
    frames: Clip
    notes: tuple[str, ...]

    @property
    def facts(self) -> dict[str, Any]:
        count, height, width = self.frames.pixels.shape[:3]
        return {"frames": count, "size": f"{width}x{height}", "rate": f"{float(self.frames.rate):.3g} fps"}

    def outlook(self) -> StageOutlook:
        """What ``init`` would do."""
        frames = "{frames} frames of {size}, {rate}".format(**self.facts)
        return StageOutlook("init", self.folder.name, "run", "; ".join((frames, *self.notes)))


def plan_init(folder: Path, config: WorkspaceConfig, session: Callable[[Workspace], Session] = Session) -> PlannedInit:
    """Checks the folder, the video, the prompt and the model's folder; loads no weights and writes nothing.

    Arguments and errors as for :func:`init`.
    """
    folder = folder.absolute()
    refuse_address("--video", config.video)
    video = Path(config.video).expanduser().absolute()
    model = located(config.model)
    clip = placed_controls(config.clip, Path.cwd())
    from_folder = tuple(
        f"{kind}={_portable(Path(path), folder)}"
        for kind, _, path in (one.partition("=") for one in clip.control_video)
    )
    inside = WorkspaceConfig(
        config.prompt, _portable(video, folder), replace(clip, control_video=from_folder), model, config.stages
    )
    check_free(folder, inside)
    probe = session(Workspace(folder, redo))
    probe.workspace.config = inside
    frames = read_frames(video, clip, probe.folder)
    return PlannedInit(
        folder,
        inside,
        probe,
        frames,
        (*frames.notes, *probe.folder.notes, *unused_controls(probe.folder, clip), *_words(probe, config.prompt)),
    )


def init(folder: Path, config: WorkspaceConfig, session: Callable[[Workspace], Session] = Session) -> StageResult:
    """Checks the video, the prompt and the model, then makes the workspace and keeps its frames.

    Args:
        folder: the workspace's folder, which must not exist, or be empty, or be made by the same already.
        config: ``video`` is a path from the current folder; it is kept as a path from ``folder``.
        session: makes the session in which they are checked.

    Raises:
        VideoError, UsageError, PromptError, ModelError: nothing is left behind.
    """
    planned = plan_init(folder, config, session)
    folder, model, patience = planned.folder, planned.session.folder, planned.session.patience
    planned.session.model.embed(config.prompt)  # a model that cannot be loaded is told of now
    with making(folder, planned.config, patience.seconds) as new:
        source = plan_source(Workspace(folder, redo), model)
        state = make_source(source, model, planned.frames, patience)
    return StageResult(
        "init",
        folder.name,
        "done" if new else state,
        folder,
        {**planned.facts, "source": source.run.name},
        planned.notes,
        (f"cd {typed(folder.name)}", "vp2p tune", "vp2p invert", "vp2p edit --swap OLD=NEW"),
    )


def _portable(video: Path, folder: Path) -> str:
    """A video's path from the workspace, so that both can be moved together."""
    try:
        return os.path.relpath(video, folder)
    except ValueError:  # another drive
        return str(video)


def _words(session: Session, prompt: str) -> tuple[str, ...]:
    """Checks the prompt's length, and names words that the model was not taught."""
    from vp2p.models.text import check_length

    check_length(prompt, len(session.tokenizer(prompt, verbose=False)["input_ids"]), session.tokenizer.model_max_length)
    return unknown_word_notes(session, prompt)


def unknown_word_notes(session: Session, prompt: str) -> tuple[str, ...]:
    """A note for each word of the prompt that a model with a word list does not know."""
    words = unknown_words(session.folder.known_words, split_prompt(session.tokenizer, prompt))
    return tuple(f"the model {session.settings.model} was not taught the word {quoted(word, 80)}" for word in words)
