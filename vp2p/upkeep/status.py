"""``vp2p status``: what a workspace holds, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.stages.redo import run_command
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.lock import holder
from vp2p.workspace.tags import names_of


@dataclass(frozen=True)
class RunStatus:
    """One run: its name, whether it is finished, its settings, the runs it came from, and its tags.

    ``again`` is the command that goes on with it; empty where it is finished, or another process is writing it.
    """

    stage: str
    name: str
    finished: bool
    created: str
    settings: Mapping[str, Any]
    parents: Mapping[str, str]
    step: int | None
    tags: tuple[str, ...] = ()
    again: str = ""

    @property
    def state(self) -> str:
        """``finished``, ``interrupted`` or ``being written``."""
        return "finished" if self.finished else "interrupted" if self.again else "being written"


@dataclass(frozen=True)
class Status:
    """A workspace and its runs, stage by stage in order of creation."""

    folder: Path
    prompt: str
    video: Path
    model: str
    runs: tuple[RunStatus, ...]

    @property
    def next(self) -> str:
        """The command that makes sense now."""
        unfinished = [run for run in self.runs if run.again]
        if unfinished:
            how = "goes on where it was interrupted" if unfinished[0].step else "begins anew what was interrupted"
            return f"{unfinished[0].again}   ({how})"
        done = {run.stage for run in self.runs if run.finished}
        if "tune" not in done:
            return "vp2p tune"
        if "invert" not in done:
            return "vp2p invert"
        return "vp2p edit --swap OLD=NEW"


def status(workspace: Workspace) -> Status:
    """Reads the workspace; changes nothing.

    Raises:
        UsageError, ArtifactError: vp2p.yaml or a manifest is damaged.
    """
    config = workspace.config
    tags = workspace.tags.all()
    runs = tuple(_status(run, names_of(tags, run)) for run in workspace.all_runs())
    return Status(workspace.folder, config.prompt, workspace.video, config.model.model, runs)


def _status(run: RunFolder, tags: tuple[str, ...]) -> RunStatus:
    finished = run.finished
    record = run.record()
    parents = {stage: parent.name for stage, parent in record.parents.items()}
    step = None if finished else run.step
    again = "" if finished or holder(run.folder) is not None else run_command(run)
    return RunStatus(run.stage, run.name, finished, record.created, record.settings, parents, step, tags, again)
