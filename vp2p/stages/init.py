"""``vp2p init``: a workspace for one video."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

from vp2p.errors import UsageError
from vp2p.models.sources import locate
from vp2p.models.words import split_prompt, unknown_words
from vp2p.stages.result import StageResult
from vp2p.stages.session import Session
from vp2p.stages.source import make_source, plan_source, read_frames
from vp2p.workspace import Workspace, WorkspaceConfig


def init(folder: Path, config: WorkspaceConfig) -> StageResult:
    """Checks the video, the prompt and the model, then makes the workspace and keeps its frames.

    Args:
        folder: the workspace's folder, which must not exist or be empty.
        config: ``video`` is a path from the current folder; it is kept as a path from ``folder``.

    Raises:
        VideoError, UsageError, PromptError, ModelError: nothing is left behind.
    """
    folder = folder.absolute()
    video = Path(config.video).expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "is a workspace already" if (folder / "vp2p.yaml").exists() else "exists already"
        raise UsageError(f"{folder} {what}.", f"vp2p -w {folder} status, or give another name")
    model = dataclasses.replace(config.model, model=locate(config.model.model))
    inside = WorkspaceConfig(config.prompt, _portable(video, folder), config.clip, model, config.stages)
    probe = Session(Workspace(folder))
    probe.workspace.config = inside
    frames = read_frames(video, config.clip, probe.folder)
    words = _words(probe, config.prompt)

    existed = folder.exists()
    workspace = Workspace.create(folder, inside)
    try:
        source = plan_source(workspace, probe.folder)
        make_source(source, probe.folder, frames)
    except BaseException:
        _remove(folder, keep=existed)
        raise
    count, height, width = frames.pixels.shape[:3]
    return StageResult(
        "init",
        folder.name,
        "done",
        folder,
        {
            "frames": count,
            "size": f"{width}x{height}",
            "rate": f"{float(frames.rate):.3g} fps",
            "source": source.run.name,
        },
        words,
        (f"cd {folder.name}", "vp2p tune", "vp2p invert", "vp2p edit --swap OLD=NEW"),
    )


def _remove(folder: Path, keep: bool) -> None:
    """Takes a workspace back; a folder that was there before stays, empty."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    if not keep:
        folder.rmdir()


def _portable(video: Path, folder: Path) -> str:
    """The video's path from the workspace, so that both can be moved together."""
    try:
        return os.path.relpath(video, folder)
    except ValueError:  # another drive
        return str(video)


def _words(session: Session, prompt: str) -> tuple[str, ...]:
    """Embeds the prompt, which checks its length, and names words that the model was not taught."""
    session.embed(prompt)
    return unknown_word_notes(session, prompt)


def unknown_word_notes(session: Session, prompt: str) -> tuple[str, ...]:
    """A note for each word of the prompt that a model with a word list does not know."""
    words = unknown_words(session.folder.known_words, split_prompt(session.tokenizer, prompt))
    return tuple(f"the model {session.settings.model} was not taught the word {word!r}" for word in words)
