"""What a command would do, run by run, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vp2p.stages.planned import Outlook, Planned
from vp2p.stages.windows import windows_of
from vp2p.workspace.layout import STAGES


@dataclass(frozen=True)
class StageOutlook:
    """What would become of one run, and why."""

    stage: str
    run: str
    state: Literal["run", "resume", "up to date"]
    why: str


def dry_run(planned: Planned, force: bool = False) -> tuple[StageOutlook, ...]:
    """What would become of a run and of those that it is made from, the source first.

    Raises:
        ArtifactError: a manifest or the checkpoint is damaged.
    """
    parents = [planned.parents[stage] for stage in STAGES if stage in planned.parents]
    found = [(run, Planned(planned.workspace, run, {}, {}).outlook()) for run in parents]
    mine = Outlook("run", "--force redoes it") if force else planned.outlook()
    windows = windows_of(planned) if mine.state != "up to date" else ""
    found.append((planned.run, Outlook(mine.state, f"{mine.why}; {windows}") if windows else mine))
    return tuple(StageOutlook(run.stage, run.name, outlook.state, outlook.why) for run, outlook in found)
