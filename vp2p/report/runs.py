"""The runs of a workspace as a report tells them: the tree of ``vp2p log``, with figures, curves and commands."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from vp2p.plain import is_number
from vp2p.report.content import Curve, RunView, Setting
from vp2p.stages.differences import flat
from vp2p.stages.figures import last_losses, losses, quality
from vp2p.stages.redo import run_command
from vp2p.upkeep.log import Entry, history
from vp2p.workspace import RunFolder, Workspace


def run_views(workspace: Workspace) -> tuple[RunView, ...]:
    """The runs that are made from no other, each with those made from it, in order of creation."""
    folders = {run.key: run for run in workspace.all_runs()}
    return tuple(_view(entry, folders) for entry in history(workspace))


def each(runs: tuple[RunView, ...]) -> Iterator[RunView]:
    """All runs of the tree, every one before those made from it."""
    for run in runs:
        yield run
        yield from each(run.made)


def _view(entry: Entry, folders: Mapping[str, RunFolder]) -> RunView:
    run = folders.get(entry.key)
    settings = (
        Setting(_title(key, entry.stage), text, key in entry.differs)
        for key, value in flat(entry.settings).items()
        if (text := _words(value)) and key not in ("prompt", "model.fingerprint")
    )
    return RunView(
        key=entry.key,
        stage=entry.stage,
        name=entry.name,
        tags=entry.tags,
        state=entry.state,
        told=entry.told,
        created=entry.created,
        settings=tuple(settings),
        figures=_figures(run) if run else {},
        curves=_curves(run) if run else (),
        command=run_command(run) if run and run.stage != "source" else "",
        made=tuple(_view(one, folders) for one in entry.made),
    )


def _title(key: str, stage: str) -> str:
    """A flat key as people read it: ``tune.learning_rate`` of a tune run is its learning rate."""
    name = key.removeprefix(f"{stage}.").replace(".", " ").replace("_", " ")
    return "prompt" if key == "target" else name


def _words(value: Any) -> str:
    """A setting's value; empty where it says nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _figures(run: RunFolder) -> dict[str, str]:
    """What the run measured of itself."""
    if run.stage == "tune" and (last := last_losses(run)):
        return {f"loss, mean of the last {len(last)} steps": f"{sum(last) / len(last):.4f}"}
    if run.stage == "invert" and (found := quality(run)):
        return {
            "reconstruction": f"{found['psnr_reconstruction']:.2f} dB PSNR",
            "autoencoder alone": f"{found['psnr_vae']:.2f} dB PSNR",
        }
    return {}


def _curves(run: RunFolder) -> tuple[Curve, ...]:
    """Tuning's loss; of a null-text inversion the error that each step was left with."""
    if run.stage == "tune":
        found = losses(run)
        if not found:
            return ()
        steps, values = zip(*((float(step), loss) for step, loss in found))
        return (Curve("Tuning loss", "step", "mean squared error", steps, values),)
    ends = [
        entry["losses"][-1] for entry in run.read_log() if isinstance(entry.get("losses"), list) and entry["losses"]
    ]
    if ends and all(is_number(end) and end > 0 for end in ends):
        steps = tuple(float(number) for number in range(1, len(ends) + 1))
        left = tuple(map(float, ends))
        return (Curve("Null-text error", "step from noise to clip", "squared error left", steps, left, True),)
    return ()
