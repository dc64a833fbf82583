"""All that a report tells, read from a workspace; nothing in it is changed."""

from __future__ import annotations

from typing import Mapping

from vp2p.errors import ArtifactError
from vp2p.report.attention import attention_of
from vp2p.report.commands import init_command
from vp2p.report.content import Clip, Content, RunView
from vp2p.report.edits import edit_view
from vp2p.report.runs import each, run_views
from vp2p.stages.planned import Planned, finished_plan
from vp2p.stages.source import load_frames
from vp2p.text import typed
from vp2p.video.timing import Timing
from vp2p.workspace import Workspace


def collect(workspace: Workspace) -> Content:
    """The content of a workspace's report.

    Raises:
        UsageError: vp2p.yaml is damaged.
        ArtifactError: a record or a result is missing or damaged; or there are no frames yet.
        VideoError: a clip cannot be read.
    """
    runs = run_views(workspace)
    sources = _sources(workspace)
    edits = tuple(
        edit_view(workspace, run, _timing(sources, finished_plan(workspace, run)))
        for run in workspace.runs("edit")
        if run.finished
    )
    used = {edit.source for edit in edits}
    newest = list(sources)[-1]
    sources = {key: clip for key, clip in sources.items() if key in used or key == newest}
    return Content(
        folder=workspace.folder,
        prompt=workspace.config.prompt,
        facts=_facts(workspace, sources[newest]),
        sources=sources,
        edits=edits,
        attention=attention_of(workspace),
        runs=runs,
        commands=_commands(workspace, runs),
    )


def _sources(workspace: Workspace) -> dict[str, Clip]:
    """The kept frames, by the source run's key, the newest last."""
    found = {}
    for run in workspace.runs("source"):
        if run.finished:
            frames = load_frames(run)
            found[run.key] = Clip(frames.pixels, frames.timing)
    if not found:
        raise ArtifactError(f"{workspace.folder} holds no frames yet.", "vp2p tune")
    return found


def _timing(sources: Mapping[str, Clip], edit: Planned) -> Timing:
    """When the frames of an edit are shown: when its source's are."""
    source = edit.parent("source")
    if source.key not in sources:
        raise ArtifactError(f"{source.key}, which {edit.run.key} is made from, is gone.", "vp2p tune")
    return sources[source.key].timing


def _facts(workspace: Workspace, clip: Clip) -> dict[str, str]:
    count, height, width = clip.frames.shape[:3]
    return {
        "model": workspace.config.model.model,
        "video": workspace.video.name,
        "frames": f"{count} at {float(clip.timing.rate):.3g} a second",
        "size": f"{width} × {height}",
    }


def _commands(workspace: Workspace, runs: tuple[RunView, ...]) -> tuple[str, ...]:
    lines = [init_command(workspace), f"cd {typed(workspace.folder.name)}"]
    return (*lines, *(run.command for run in each(runs) if run.state == "finished" and run.command))
