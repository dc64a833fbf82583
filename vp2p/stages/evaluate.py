"""``vp2p eval``: how good finished edits are, by the metrics of docs/metrics.md."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

import numpy as np

from vp2p.errors import ArtifactError, UsageError
from vp2p.plain import is_number, read_json
from vp2p.progress import Progress, silent
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.mask import load_found, named_mask
from vp2p.stages.planned import Planned, finished_plan
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, load_mask, mask_path, source_of
from vp2p.workspace import RunFolder, Workspace, load_tensors
from vp2p.workspace.atomic import check_unlinked, write_json

if TYPE_CHECKING:
    from vp2p.metrics.region import Region
    from vp2p.metrics.sample import Footage, Networks
    from vp2p.video.clip import Clip

FOLDER, FORMAT = "eval", 1


@dataclass(frozen=True)
class EvalOptions:
    """What is measured.

    Args:
        mask: a video, white where the edits may act, in place of each edit's own mask.
        clip_model: a folder or hub id, for the metrics that need CLIP.
        lpips: whether to measure LPIPS.
    """

    mask: str | None = None
    clip_model: str | None = None
    lpips: bool = False


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one edit, by name.

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
    options: EvalOptions = EvalOptions(),  # noqa: B008, as it is frozen
    progress: Progress = silent,
) -> tuple[Evaluation, ...]:
    """Measures the named edits, by default all finished ones, and keeps the figures in ``eval/``.

    Raises:
        UsageError: no such edit or mask, or LPIPS needs packages that are missing.
        ArtifactError: no edit is finished, or one is damaged.
        ModelError: a model cannot be had.
        PromptError: CLIP cannot read all of a prompt.
    """
    check_unlinked(session.workspace.folder / FOLDER)
    runs = _edits(session.workspace, names)
    evaluator = _Evaluator(session, options)
    found = []
    for number, run in enumerate(runs):
        progress("eval", number, len(runs), run.name)
        one = evaluator.evaluate(finished_plan(session.workspace, run))
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


class _Evaluator:
    """What all edits of a workspace share: the networks, and what is found in their sources."""

    def __init__(self, session: Session, options: EvalOptions) -> None:
        self._session = session
        self._options = options
        self._networks = _load_networks(options)
        self._originals: dict[str, tuple[Clip, Footage]] = {}

    def evaluate(self, planned: Planned) -> Evaluation:
        from vp2p.metrics.sample import Footage, Sample, measure
        from vp2p.metrics.table import METRICS

        run, prompt = planned.run, planned.recorded["target"]
        run.verify()
        frames, original = self._original(source_of(planned, self._session.folder))
        edited = Footage(_edited(run, frames), self._networks)
        region = self._region(run, frames)
        scores, source = (
            measure(Sample(footage, original, prompt, region), METRICS.values()) for footage in (edited, original)
        )
        options = self._options
        return Evaluation(
            run.name, run.identity, prompt, _finite(scores), _finite(source), options.mask, options.clip_model
        )

    def _original(self, source: RunFolder) -> tuple[Clip, Footage]:
        from vp2p.metrics.sample import Footage

        if source.name not in self._originals:
            frames = load_frames(source)
            self._originals[source.name] = frames, Footage(frames.pixels, self._networks)
        return self._originals[source.name]

    def _region(self, run: RunFolder, frames: Clip) -> Region | None:
        """Where the edit may act; None where that is everywhere."""
        from vp2p.metrics.region import Region

        if self._options.mask:
            workspace = self._session.workspace
            found = named_mask(workspace, self._options.mask)
            if found is not None:
                return Region(load_found(found, frames), grow=0)
            path, (height, width) = mask_path(self._options.mask), frames.pixels.shape[1:3]
            mask, _ = load_mask(path, workspace.video, workspace.config.clip, frames, (height, width))
            return Region(mask, grow=0)
        path = run.path("mask.safetensors")
        return Region(load_tensors(path, run.rebuild)["mask"]) if path.exists() else None


def _load_networks(options: EvalOptions) -> Networks:
    """The networks of the metrics that were asked for. Raises UsageError or ModelError if one cannot be had."""
    from vp2p.metrics.sample import Networks

    clip = lpips = None
    if options.clip_model:
        from vp2p.models.clip import load_clip

        clip = load_clip(options.clip_model)
    if options.lpips:
        from vp2p.metrics.lpips import load_lpips

        lpips = load_lpips()
    return Networks(clip, lpips)


def _edited(run: RunFolder, frames: Clip) -> np.ndarray:
    """The frames of the edit as its file shows them."""
    found = every_frame(edited_file(run))
    if found.shape != frames.pixels.shape:
        raise ArtifactError(f"The edit {run.name} and its source differ in size or number of frames.", run.rebuild)
    return found


def _finite(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """As JSON can hold them, which has no infinity."""
    return {
        name: None if value is None or math.isinf(value) else float(f"{value:.6g}") for name, value in scores.items()
    }
