"""``vp2p show``: a run as a contact sheet of its clips, with maps laid over the frames."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence

import numpy as np

from vp2p.errors import ArtifactError, UsageError
from vp2p.report.attention import attention_of
from vp2p.report.content import Maps
from vp2p.report.edits import edit_view, read_frames
from vp2p.report.motion import marks, motion_drawn
from vp2p.report.overlays import overlaid
from vp2p.report.prompts import changed_words
from vp2p.stages.kept import load_motions
from vp2p.stages.mask import load_found
from vp2p.stages.planned import finished_plan
from vp2p.stages.redo import run_command
from vp2p.stages.source import load_frames
from vp2p.text import quoted, typed
from vp2p.video.heat import tint_overlay
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.atomic import check_unlinked
from vp2p.workspace.layout import STAGES

_STAGES = ("edit", "invert", "tune", "source")
Rows = list[tuple[str, np.ndarray]]

_IN_ROW, _SIDE = 8, 256  # frames, and pixels of one: as many and as large as a sheet shows
_SHOWN = 80  # characters of a word that a message repeats


def find_shown(workspace: Workspace, name: str | None) -> RunFolder:
    """The finished run that ``name`` means: an edit before others, ``stage/name``, or the newest of a stage.

    By default it is the newest edit, or the newest run of what comes before.

    Raises:
        UsageError: no run, or more than one, has this name.
        ArtifactError: it is not finished, or there is none.
    """
    if name is None:
        found = next((run for stage in _STAGES if (run := workspace.newest(stage)) is not None), None)
    elif name in STAGES and not any(run.name == name for run in workspace.runs("edit")):
        found = workspace.newest(name)
        if found is None:
            raise ArtifactError(f"There is no finished {name} run in this workspace yet.", f"vp2p {name} --help")
    else:
        found = workspace.find_run(name)
    if found is None:
        raise ArtifactError("There is nothing to show in this workspace yet.", "vp2p tune")
    if not found.finished:
        raise ArtifactError(f"The run {found.key} is not finished.", run_command(found))
    return found


def rows_of(workspace: Workspace, run: RunFolder, words: Sequence[str] = ()) -> Rows:
    """Labelled rows of frames, uint8 RGB (F, H, W, 3): the source, what the run made of it, and maps over the source.

    Args:
        words: whose attention to show; by default those that the edit changes, where their maps are kept.

    Raises:
        UsageError: the maps of a word are not kept.
        ArtifactError, VideoError: a file is missing or damaged.
    """
    plan = finished_plan(workspace, run)
    source = run if run.stage == "source" else plan.parent("source")
    frames = load_frames(source)
    prompt = plan.recorded.get("prompt", workspace.config.prompt)
    rows: Rows = [(prompt, frames.pixels)]
    if run.stage == "invert":
        run.verify()
        rows.append(("reconstruction", read_frames(run.path("reconstruction.mp4"), frames.timing).frames))
    if run.stage == "mask":
        settings = plan.recorded["mask"]
        label = settings["mask_text"] or ", ".join(settings["mask_point"])
        rows.append((f"mask of {label}", tint_overlay(frames.pixels, load_found(run, frames).numpy())))
    if run.stage == "edit":
        edit = edit_view(workspace, run, frames.timing)
        weights = plan.recorded["edit"]["reweight"]
        rows.append((" · ".join((plan.recorded["target"], *weights)), edit.clip.frames))
        rows += [(edit.mask.label, overlaid(frames.pixels, edit.mask))] if edit.mask else []
    maps = _maps(workspace, source.key)
    if not words and run.stage == "edit":
        words = [word for word in changed_words(prompt, plan.recorded["target"]) if word in maps]
    for word in words:
        if word.lower() not in maps:
            known = ", ".join(maps) or "none"
            hint = typed(word) if len(word) <= _SHOWN else "WORD"
            raise UsageError(
                f"No attention of {quoted(word, _SHOWN)} is kept; kept: {known}.", f"vp2p attention {hint}"
            )
        rows.append((f"attention of {word}", overlaid(frames.pixels, maps[word.lower()])))
    return rows


def motion_rows(workspace: Workspace, run: RunFolder) -> Rows:
    """The motion that an edit follows, drawn on all frames of the clip, 8 in a row; as in :func:`rows_of`.

    Raises:
        UsageError: the run is no edit, or no motion of it is kept.
        ArtifactError: a file is missing or damaged.
    """
    if run.stage != "edit":
        raise UsageError(f"{run.key} is no edit, and only edits follow a motion.", "vp2p show EDIT --motion")
    run.verify()
    motions = load_motions(run)
    if not motions:
        raise UsageError(
            f"No motion of {run.key} is kept: nothing was followed, or it was made before motion was kept.",
            f"of an older edit: {run.rebuild}",
        )
    drawn = motion_drawn(load_frames(finished_plan(workspace, run).parent("source")).pixels, motions, _SIDE)
    rows = []
    for first in range(0, len(drawn), _IN_ROW):
        part = drawn[first : first + _IN_ROW]
        inside = range(first, first + len(part))
        told = [f"{mark} {frame + 1}" for mark, frames in marks(motions).items() for frame in frames if frame in inside]
        rows.append((", ".join([f"frames {first + 1} to {inside[-1] + 1}", *told]), part))
    return rows


def _maps(workspace: Workspace, source: str) -> dict[str, Maps]:
    """The newest maps of each word over the frames of ``source``."""
    groups = (group for group in attention_of(workspace) if group.source == source)
    return {word.label: word for group in groups for word in group.words}


def place_of(workspace: Workspace, run: RunFolder, out: Path | None, force: bool) -> Path:
    """Where the sheet goes: ``out``, or a file in the workspace that may be replaced at any time.

    Raises:
        UsageError: there is a file at ``out`` already, or no folder to hold it.
    """
    if out is None:
        check_unlinked(workspace.folder / "show")
        return workspace.folder / "show" / f"{run.stage}-{run.name}.png"
    if not out.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {out.parent}.", f"mkdir -p {typed(str(out.parent))}")
    if out.is_dir() or (out.exists() and not force):
        raise UsageError(f"{out} exists already.", "give --out another file" + ("" if out.is_dir() else ", or --force"))
    return out
