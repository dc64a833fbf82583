"""A run before its work is done: its folder, what it is made from, and what a command would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Mapping

from vp2p.errors import ArtifactError
from vp2p.stages.differences import differing, flat
from vp2p.workspace import RunFolder, Workspace


@dataclass(frozen=True)
class Outlook:
    """What a command would do to a run, and why."""

    state: Literal["run", "resume", "up to date"]
    why: str


@dataclass(frozen=True)
class Planned:
    """A run that may be anything from not begun to finished.

    ``recorded`` is what its records keep as its settings; ``parents`` the runs it is made from, by stage.
    """

    workspace: Workspace
    run: RunFolder
    recorded: Mapping[str, Any]
    parents: Mapping[str, RunFolder]

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
        found = [(_differences(self, finished_plan(self.workspace, run)), run.name) for run in others]
        differences, nearest = min(found, key=lambda one: len(one[0]))
        return f"unlike {nearest}: {', '.join(differences) or 'made anew'}"


def finished_plan(workspace: Workspace, run: RunFolder) -> Planned:
    """A finished run as it was planned. Raises ArtifactError if its manifest is missing or damaged."""
    return Planned(workspace, run, run.manifest()["settings"], workspace.parents_of(run))


def find_run(workspace: Workspace, stage: str, name: str | None, command: str) -> Planned:
    """The named run of a stage, or the newest finished one.

    Raises:
        ArtifactError: there is none, or the named one is unfinished; ``command`` is the hint.
    """
    run = workspace.newest(stage) if name is None else workspace.by_name(stage, name)
    if run is None or not run.finished:
        raise ArtifactError(f"There is no finished {stage} run in this workspace yet.", command)
    return finished_plan(workspace, run)


def _differences(mine: Planned, other: Planned) -> list[str]:
    """``key value`` for each setting, and ``stage name`` for each parent, in which ``mine`` differs."""
    found = [f"{stage} {run.name}" for stage, run in mine.parents.items() if _name(other, stage) != run.name]
    family = flat(mine.recorded), flat(other.recorded)
    keys = [key for key in differing(family) if key in family[0] and key != "model.fingerprint"]
    return [f"{key.rpartition('.')[2]} {family[0][key]}" for key in keys] + found


def _name(planned: Planned, stage: str) -> str | None:
    return planned.parents[stage].name if stage in planned.parents else None
