"""A run before its work is done: its folder, what it is made from, and what a command would do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Mapping

from vp2p.errors import ArtifactError
from vp2p.stages.differences import differing, flat
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.layout import MANIFEST
from vp2p.workspace.settings_types import lacking


@dataclass(frozen=True)
class Outlook:
    """What a command would do to a run, and why."""

    state: Literal["run", "resume", "up to date"]
    why: str


@dataclass(frozen=True)
class Planned:
    """A run that may be anything from not begun to finished.

    ``recorded`` is what its records keep as its settings; ``parents`` the runs it is made from, by stage. ``notes`` say
    what a user should know before it is made.
    """

    workspace: Workspace
    run: RunFolder
    recorded: Mapping[str, Any]
    parents: Mapping[str, RunFolder]
    notes: tuple[str, ...] = field(default=(), kw_only=True)

    def parent(self, stage: str) -> RunFolder:
        """The run of ``stage`` that this one is made from. Raises ArtifactError if its record names none."""
        if stage not in self.parents:
            raise ArtifactError(f"{self.run.folder} does not say which {stage} it is made from.", self.run.rebuild)
        return self.parents[stage]

    def outlook(self) -> Outlook:
        """What a command would do now. Raises ArtifactError if the run's manifest is damaged."""
        if self.run.finished:
            return Outlook("up to date", "finished")
        found = self.run.load_checkpoint() if self.run.folder.exists() else None
        if found:
            return Outlook("resume", f"interrupted after step {found[1]['step']}")
        return Outlook("run", self._why_new())

    def _why_new(self) -> str:
        """How the run differs from the finished one of its stage that is most like it."""
        others = [run for run in self.workspace.runs(self.run.stage) if run.finished]
        if not others:
            return f"no {self.run.stage} run is finished yet"
        mine = flat(self.recorded)
        found = [(_differences(mine, self.parents, run), run.name) for run in others]
        differences, nearest = min(found, key=lambda one: len(one[0]))
        return f"unlike {nearest}: {', '.join(differences) or 'to be redone'}"


def finished_plan(workspace: Workspace, run: RunFolder) -> Planned:
    """A finished run as it was planned. Raises ArtifactError if its manifest is missing, damaged or lacks settings."""
    if not run.finished:
        run.manifest()  # says that there is none, or that it is another run's
        raise ArtifactError(f"{run.folder} holds another run.", run.rebuild)
    record = run.record()
    lacks = lacking(run.stage, record.settings)
    if lacks is not None:
        raise ArtifactError(f"{run.folder / MANIFEST} is damaged: its settings lack {lacks}.", run.rebuild)
    return Planned(workspace, run, record.settings, workspace.parents_of(run))


def find_run(workspace: Workspace, stage: str, name: str | None, command: str) -> Planned:
    """The named run of a stage, or the newest finished one.

    Raises:
        ArtifactError: there is none, or the named one is unfinished; ``command`` is the hint.
    """
    run = workspace.newest(stage) if name is None else workspace.by_name(stage, name)
    if run is None or not run.finished:
        raise ArtifactError(f"There is no finished {stage} run in this workspace yet.", command)
    return finished_plan(workspace, run)


def _differences(mine: Mapping[str, Any], parents: Mapping[str, RunFolder], other: RunFolder) -> list[str]:
    """``key value`` for each flat setting, and ``stage name`` for each parent, in which another run differs."""
    record = other.record()
    above = record.parents
    found = [
        f"{stage} {run.name}" for stage, run in parents.items() if stage not in above or above[stage].name != run.name
    ]
    keys = [key for key in differing((mine, flat(record.settings))) if key in mine and key != "model.fingerprint"]
    return [f"{key.rpartition('.')[2]} {mine[key]}" for key in keys] + found
