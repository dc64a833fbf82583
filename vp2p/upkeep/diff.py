"""``vp2p diff``: in what two runs of one stage differ, and of two edits their pictures side by side."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Sequence

from vp2p.atomic import sight
from vp2p.errors import ArtifactError, UsageError
from vp2p.stages.differences import differing, flat
from vp2p.stages.edited import edited_file, every_frame
from vp2p.stages.evaluate import read_evaluation
from vp2p.stages.figures import last_losses, quality
from vp2p.stages.planned import finished_plan
from vp2p.stages.source import load_frames
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.atomic import write_bytes
from vp2p.workspace.lookup import key_of

if TYPE_CHECKING:
    import numpy as np

Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Comparison:
    """What differs, as pairs of the one's and the other's.

    ``settings`` are those of the runs and of the runs they are made from, by ``section.name``;
    ``parents`` are names by stage; ``figures`` what the runs measured of themselves, and of two edits
    the metrics that ``vp2p eval`` keeps of both.
    """

    a: str
    b: str
    settings: Mapping[str, Pair]
    parents: Mapping[str, Pair]
    figures: Mapping[str, Pair]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.settings or self.parents or self.figures)


def compare(workspace: Workspace, a: RunFolder, b: RunFolder) -> Comparison:
    """Two runs of one stage, finished or not.

    Raises:
        UsageError: they are of different stages.
        ArtifactError: a record is damaged.
    """
    if a.stage != b.stage:
        raise UsageError(
            f"{key_of(a)} and {key_of(b)} are of different stages.", f"give two {a.stage} runs, or two {b.stage} runs"
        )
    family = _settings(workspace, a), _settings(workspace, b)
    settings = {key: (family[0].get(key), family[1].get(key)) for key in differing(family)}
    above = [{stage: parent.name for stage, parent in run.parents().items()} for run in (a, b)]
    parents = {stage: (above[0].get(stage), above[1].get(stage)) for stage in differing(above)}
    measured = _metrics(workspace, a, b) if a.stage == "edit" else [_figures(a), _figures(b)]
    figures = {name: (measured[0].get(name), measured[1].get(name)) for name in differing(measured)}
    return Comparison(key_of(a), key_of(b), settings, parents, figures)


def write_sheet(workspace: Workspace, a: RunFolder, b: RunFolder, path: Path, force: bool = False) -> None:
    """Writes the frames of the source and of two finished edits of it, row by row, as a PNG.

    A file that is there already is left alone if it is this very sheet.

    Raises:
        UsageError: another file is there and ``force`` is not given, or there is no folder to hold it.
        ArtifactError, VideoError: an edit is not finished, or a file is missing or damaged.
    """
    from vp2p.video.sheet import contact_sheet

    seen = sight(path)
    if path.is_dir() or not path.absolute().parent.is_dir():
        what = f"{path} is a folder" if path.is_dir() else f"There is no folder {path.parent}"
        raise UsageError(f"{what}.", "give --sheet another file")
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "sheet.png"
        contact_sheet(_rows(workspace, (a, b)), drawn)
        sheet = drawn.read_bytes()
    if path.exists():
        if path.read_bytes() == sheet:
            return
        if not force:
            raise UsageError(f"{path} exists already.", "give --sheet another file, or --force to replace it")
    write_bytes(path, sheet, seen)


def _rows(workspace: Workspace, edits: Sequence[RunFolder]) -> list[tuple[str, np.ndarray]]:
    """Labelled frames, uint8 RGB (F, H, W, 3): each source once, before the first edit of it."""
    rows: dict[str, tuple[str, np.ndarray]] = {}
    for run in edits:
        if not run.finished:
            raise ArtifactError(f"The edit {run.name} is not finished.", run.rebuild.removesuffix(" --force"))
        run.verify()
        plan = finished_plan(workspace, run)
        source = plan.parent("source")
        if key_of(source) not in rows:
            rows[key_of(source)] = (plan.recorded["prompt"], load_frames(source).pixels)
        rows[key_of(run)] = (f"{run.name}: {plan.recorded['target']}", every_frame(edited_file(run)))
    return list(rows.values())


def _settings(workspace: Workspace, run: RunFolder) -> dict[str, Any]:
    """The flat settings of a run, after those that are the own of the runs it is made from."""
    found: dict[str, Any] = {}
    for stage, parent in workspace.parents_of(run).items():
        if stage != "source" and parent.folder.is_dir():
            settings = flat(_recorded(parent))
            found |= {key: value for key, value in settings.items() if key.startswith(f"{stage}.")}
    return found | flat(_recorded(run))


def _recorded(run: RunFolder) -> Mapping[str, Any]:
    return run.record().settings


def _metrics(workspace: Workspace, a: RunFolder, b: RunFolder) -> list[dict[str, float | None]]:
    """The metrics of two edits, by name; none where they were not measured alike."""
    kept = [read_evaluation(workspace, run) for run in (a, b)]
    found = [one for one in kept if one is not None]
    alike = len(found) == 2 and not differing([{key: one.get(key) for key in ("mask", "clip_model")} for one in found])
    return [dict(one["scores"]) for one in found] if alike else [{}, {}]


def _figures(run: RunFolder) -> dict[str, float | None]:
    """What a run measured of itself: the loss at the end of tuning, the PSNR of an inversion in dB."""
    if run.stage == "tune":
        losses = last_losses(run)
        return {"loss": sum(losses) / len(losses)} if losses else {}
    return {**quality(run)} if run.stage == "invert" else {}
