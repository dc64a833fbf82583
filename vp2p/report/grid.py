"""The sheet of a grid: its edits in rows and columns, under their values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence

import numpy as np

from vp2p.config.grid import Grid
from vp2p.stages.edited import FRAMES, edited_file, every_frame
from vp2p.stages.planned import finished_plan
from vp2p.stages.source import load_frames
from vp2p.video.sheet import contact_sheet, subsampled
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.atomic import check_unlinked, writing
from vp2p.workspace.identity import identity
from vp2p.workspace.names import cut_name, name_of_words

_IN_ROW = 8  # frames, of all cells of a row together


def save_grid(workspace: Workspace, grid: Grid, runs: Sequence[RunFolder]) -> Path:
    """Draws the finished runs of a grid, one for each cell, on a sheet in the workspace; returns its place.

    The last axis gives the columns where there are several, the others the rows.

    Raises:
        ArtifactError, VideoError: a file of a run is missing or damaged.
    """
    path = workspace.folder / "show" / f"{_name(grid, runs)}.png"
    check_unlinked(path.parent)
    columns = grid.axes[-1].values if len(grid.axes) > 1 else ()
    wide = max(1, len(columns))
    each = max(1, _IN_ROW // wide)
    clips = [subsampled(every_frame(edited_file(run)), each) for run in runs]
    plan = finished_plan(workspace, runs[0])
    rows = [(plan.recorded["prompt"], subsampled(load_frames(plan.parent("source")).pixels, each))]
    for first in range(0, len(clips), wide):
        values = grid.cells[first].values
        told = [f"{axis.name} {value}" for axis, value in zip(grid.axes, values[:-1] if columns else values)]
        rows.append((", ".join(told), np.concatenate(clips[first : first + wide])))
    with writing(path):
        path.parent.mkdir(exist_ok=True)
    contact_sheet(rows, path, columns=[f"{grid.axes[-1].name} {value}" for value in columns])
    return path


def alike(runs: Sequence[RunFolder]) -> tuple[str, ...]:
    """A note for the finished edits among some that show the same frames."""
    groups: dict[str, dict[str, None]] = {}
    for run in runs:
        frames = run.record().artifacts.get(FRAMES)
        if frames:
            groups.setdefault(str(frames["sha256"]), {})[run.name] = None
    told = (" and ".join(names) for names in groups.values() if len(names) > 1)
    return tuple(f"{names} show the same frames: what tells them apart changed nothing here" for names in told)


def _name(grid: Grid, runs: Sequence[RunFolder]) -> str:
    """A name that grids of other runs do not have."""
    told = "-".join([axis.name + "-" + "-".join(axis.values) for axis in grid.axes])
    words = name_of_words(re.sub("[:=]|->", "-", told))
    return cut_name(f"grid-{words}", "-" + identity("grid", {"runs": [run.identity for run in runs]})[:8])
