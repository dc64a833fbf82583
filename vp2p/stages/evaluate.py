"""``vp2p eval``: how good finished edits are, by the measures of docs/metrics.md."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from vp2p.errors import ArtifactError, UsageError
from vp2p.plain import is_number, read_json
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.measuring import Tools, against_source, alone, load_tools
from vp2p.stages.planned import Planned, finished_plan
from vp2p.stages.result import Progress, silent
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, load_mask, mask_path, source_of
from vp2p.video.clip import Clip
from vp2p.workspace import RunFolder, Workspace, load_tensors
from vp2p.workspace.atomic import check_unlinked, write_json

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.metrics.warp_error import Motion

FOLDER, FORMAT = "eval", 1
# By name: the title with the better direction, and how many digits follow the point.
MEASURES = {
    "psnr": ("PSNR ↑", 2),
    "masked_psnr": ("kept PSNR ↑", 2),
    "ssim": ("SSIM ↑", 3),
    "lpips": ("LPIPS ↓", 3),
    "clip_text": ("CLIP text ↑", 2),
    "clip_consistency": ("CLIP steady ↑", 4),
    "object_variance": ("OSV ↓", 4),
    "warp_error": ("warp error ↓", 2),
}


@dataclass(frozen=True)
class Evaluation:
    """The measures of one edit, by name.

    ``scores`` are the edit's. ``source`` holds, for those that need no original, what the source's own
    frames get, to compare with. One that does not exist, or is infinite as the PSNR of equal clips, is None.
    """

    edit: str
    identity: str
    prompt: str
    scores: Mapping[str, float | None]
    source: Mapping[str, float | None]
    mask: str | None
    clip_model: str | None

    def path(self, workspace: Workspace) -> Path:
        """Where the evaluation is kept."""
        return workspace.folder / FOLDER / f"{self.edit}.json"


def evaluate(
    session: Session,
    names: Sequence[str] = (),
    mask: str | None = None,
    clip_model: str | None = None,
    lpips: bool = False,
    progress: Progress = silent,
) -> tuple[Evaluation, ...]:
    """Measures the named edits, by default all finished ones, and keeps the figures in ``eval/``.

    Args:
        mask: a video, white where the edits may act, in place of each edit's own mask.
        clip_model: a folder or hub id, for the measures that need CLIP.
        lpips: whether to measure LPIPS.

    Raises:
        UsageError: no such edit or mask, or LPIPS needs packages that are missing.
        ArtifactError: no edit is finished, or one is damaged.
        ModelError: a model cannot be had.
    """
    check_unlinked(session.workspace.folder / FOLDER)
    runs = _edits(session.workspace, names)
    tools = load_tools(clip_model, lpips)
    motions: dict[str, Motion | None] = {}
    found = []
    for number, run in enumerate(runs):
        progress("eval", number, len(runs), run.name)
        one = _evaluated(session, finished_plan(session.workspace, run), mask, clip_model, tools, motions)
        write_json(one.path(session.workspace), {"format": FORMAT, **asdict(one)})
        found.append(one)
    progress("eval", len(runs), len(runs))
    return tuple(found)


def read_evaluation(workspace: Workspace, run: RunFolder) -> dict[str, Any] | None:
    """What was kept of this very edit: the fields of :class:`Evaluation`; None if nothing was.

    An evaluation of another edit that had its name, or one that cannot be read, counts for nothing.
    """
    try:
        kept = read_json((workspace.folder / FOLDER / f"{run.name}.json").read_bytes())
        ours = kept["format"] == FORMAT and kept["identity"] == run.identity
        return kept if ours and _are_figures(kept["scores"]) and _are_figures(kept["source"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _are_figures(values: Any) -> bool:
    return isinstance(values, dict) and all(value is None or is_number(value) for value in values.values())


def _edits(workspace: Workspace, names: Sequence[str]) -> list[RunFolder]:
    runs = [workspace.by_name("edit", name) for name in dict.fromkeys(names)] if names else workspace.runs("edit")
    unfinished = [run.name for run in runs if not run.finished]
    if names and unfinished:
        raise UsageError(f"The edit {unfinished[0]} is not finished.", "vp2p status")
    finished = [run for run in runs if run.name not in unfinished]
    if not finished:
        raise ArtifactError("There is no finished edit in this workspace yet.", "vp2p edit --swap OLD=NEW")
    return finished


def _evaluated(
    session: Session,
    planned: Planned,
    mask: str | None,
    clip_model: str | None,
    tools: Tools,
    motions: dict[str, Motion | None],
) -> Evaluation:
    from vp2p.metrics.warp_error import motion

    run = planned.run
    run.verify()
    origin = source_of(planned, session.folder)
    frames = load_frames(origin)
    edited = _edited(run, frames)
    if origin.name not in motions:
        motions[origin.name] = motion(frames.pixels) if len(frames.pixels) > 1 else None
    marked, kept = _mask(session, run, mask, frames)
    prompt = planned.recorded["target"]
    scores = against_source(edited, frames.pixels, kept, tools)
    scores |= alone(edited, prompt, motions[origin.name], marked, tools)
    source = alone(frames.pixels, prompt, motions[origin.name], marked, tools)
    return Evaluation(run.name, run.identity, prompt, _finite(scores), _finite(source), mask, clip_model)


def _edited(run: RunFolder, frames: Clip) -> np.ndarray:
    """The frames of the edit as its file shows them."""
    found = every_frame(edited_file(run))
    if found.shape != frames.pixels.shape:
        raise ArtifactError(f"The edit {run.name} and its source differ in size or number of frames.", run.rebuild)
    return found


def _mask(session: Session, run: RunFolder, mask: str | None, frames: Clip) -> tuple[Tensor | None, np.ndarray | None]:
    """Where the edit may act, (F, h, w), and the pixels that should stay; None where it may act everywhere."""
    from vp2p.metrics.region import kept_pixels

    size = frames.pixels.shape[1:3]
    if mask:
        workspace = session.workspace
        marked, _ = load_mask(mask_path(mask), workspace.video, workspace.config.clip, frames, size)
        return marked, kept_pixels(marked, size, grow=0)
    if not run.path("mask.safetensors").exists():
        return None, None
    marked = load_tensors(run.path("mask.safetensors"), run.rebuild)["mask"]
    return marked, kept_pixels(marked, size)


def _finite(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """As JSON can hold them, which has no infinity."""
    return {
        name: None if value is None or math.isinf(value) else float(f"{value:.6g}") for name, value in scores.items()
    }
