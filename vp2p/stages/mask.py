"""``vp2p mask``: a mask of words or points, found once and kept for any number of edits."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping

from vp2p.errors import UsageError
from vp2p.garbage import uncollected
from vp2p.models.finders import Finders
from vp2p.pipeline.unread import given, unread_by_mask, without_effect
from vp2p.progress import Progress, silent
from vp2p.schema import from_mapping, to_mapping
from vp2p.settings import MaskSettings
from vp2p.stages.attention import tuned_plan
from vp2p.stages.planned import Planned
from vp2p.stages.result import StageResult, State
from vp2p.stages.running import Patience, perform
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, plan_source, source_of
from vp2p.workspace import RunFolder, Workspace, load_tensors, save_tensors
from vp2p.workspace.identity import identity
from vp2p.workspace.tensors import load_metadata

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.pipeline.mask import Mask
    from vp2p.points import Point
    from vp2p.video.clip import Clip
    from vp2p.video.fitting import Size

MASK, SHEET = "mask.safetensors", "sheet.png"


def plan_mask(session: Session, settings: MaskSettings, made_from: Mapping[str, RunFolder] | None = None) -> Planned:
    """The run that finds a mask in the clip.

    What it depends on is the clip, the words or points, and what finds them: networks; or, for words, the edit model
    as a tune run left it.

    Args:
        made_from: the source run and, where there is one, the tune run; by default the newest.

    Raises:
        UsageError: neither words nor points are given.
        PromptError: without networks, words that are not in the prompt.
        ModelError: a network that is named cannot be had.
        Vp2pError: see the workspace, the video and the model.
    """
    if not settings.asked:
        raise UsageError("Nothing says what the mask is to cover.", 'vp2p mask "the cat", or --mask-point 50%,50%')
    workspace, finders = session.workspace, Finders.of(settings)
    prompt = workspace.config.prompt
    inputs: dict[str, Any] = {"points": [str(point) for point in settings.placed], "finders": finders.fingerprints()}
    recorded: dict[str, Any] = {"mask": to_mapping(settings), "prompt": prompt, "compute": session.compute}
    if settings.grow:
        inputs["grow"] = settings.grow
    attends = settings.text is not None and finders.detector is None
    if made_from is None:
        made_from = _newest(session, attends)
    parents = {stage: run for stage, run in made_from.items() if attends or stage == "source"}
    if settings.text is not None:
        inputs |= {"text": " ".join(settings.text.lower().split()), "threshold": settings.threshold}
    if attends:
        from vp2p.pipeline.mask_words import check_words
        from vp2p.prompts.words import split_prompt

        check_words(split_prompt(session.tokenizer, prompt), settings)
        tuned = parents.get("tune")
        inputs |= {"prompt": prompt, "model": session.model_identity, "tune": tuned and tuned.identity}
        if tuned is not None:
            recorded["from"] = tuned.name
    digest = identity("mask", {"source": parents["source"].identity, **inputs})
    idle = without_effect(given(settings, session.usual("edit").blend.found), unread_by_mask(settings))
    return Planned(workspace, workspace.run("mask", digest), recorded, parents, notes=idle)


def make_mask(
    session: Session,
    planned: Planned,
    progress: Progress = silent,
    force: bool = False,
    patience: Patience | None = None,
) -> State:
    """Finds and keeps a mask, with a sheet that shows it, unless it is kept already.

    Raises:
        UsageError, PromptError: nothing is found, or a point is not in the clip; then nothing is kept.
        ModelError: a network cannot be had.
        Interrupted: a signal came; nothing is kept.
    """
    run, tuned = planned.run, planned.parents.get("tune")

    def work(_: object) -> None:
        from vp2p.pipeline.described import Described

        with uncollected():
            from vp2p.pipeline.mask import Wanted, find_mask, marks_of
        settings = from_mapping(MaskSettings, planned.recorded["mask"])
        source, points = source_of(planned, session.folder), settings.placed
        frames = load_frames(source)
        marks = marks_of(points, *_in_video(session.workspace, source, frames, points)) if points else ()
        if tuned is not None:
            session.use_tuned(tuned)
        with Saver(run, immutable=True):
            described = Described(frames, planned.recorded["prompt"])
            wanted = Wanted(settings, marks, Finders.of(settings))
            _keep(run, find_mask(lambda: session.model, described, wanted, progress), settings)

    return perform(planned, work, force, patience or session.patience)


def mask(
    session: Session, planned: Planned, force: bool = False, progress: Progress = silent, name: str | None = None
) -> StageResult:
    """Finds and keeps the mask of :func:`plan_mask`, and tells of it; see :func:`make_mask`.

    Args:
        name: by which it is called in what to type next.
    """
    run = planned.run
    state = make_mask(session, planned, progress, force)
    kept = load_metadata(run.path(MASK), run.rebuild)
    facts = {"found by": kept["way"], "covers": f"{kept['share']:.0%} of the picture"}
    if kept["unseen"]:
        facts["not seen in"] = "frames " + ", ".join(str(frame + 1) for frame in kept["unseen"])
    next_ = ("vp2p show mask", f"vp2p edit --swap OLD=NEW --mask {name or run.name}")
    return StageResult("mask", run.name, state, run.path(SHEET), facts, (*found_notes(run), *planned.notes), next_)


def named_mask(workspace: Workspace, name: str | None) -> RunFolder | None:
    """The finished mask run that ``--mask`` names, where that is no file or folder; None where it names none."""
    if not name or Path(name).expanduser().exists():
        return None
    try:
        run = workspace.by_name("mask", name)
    except UsageError:
        return None
    return run if run.finished else None


def load_found(run: RunFolder, clip: Clip) -> Tensor:
    """The mask (F, H, W) of a finished run as float, 1 where it covers.

    Raises:
        UsageError: it is of other frames than those of ``clip``.
        ArtifactError: it is damaged.
    """
    run.verify()
    found = load_tensors(run.path(MASK), run.rebuild)["mask"].float()
    if found.shape != clip.pixels.shape[:3]:
        raise UsageError(f"The mask {run.name} is of other frames than these.", "find it in these: vp2p mask --help")
    return found


def found_notes(run: RunFolder) -> tuple[str, ...]:
    """What a user should know of how a mask was found. Raises ArtifactError if it is damaged."""
    return tuple(map(str, load_metadata(run.path(MASK), run.rebuild)["notes"]))


def _newest(session: Session, attends: bool) -> Mapping[str, RunFolder]:
    """The runs that a mask is made from: where the model's attention is asked, those of the newest tune run."""
    tuned = tuned_plan(session.workspace, None) if attends else None
    if tuned is None:
        return {"source": plan_source(session.workspace, session.folder).run}
    session.check_model(tuned)
    return {**tuned.parents, "tune": tuned.run}


def _keep(run: RunFolder, found: Mask, settings: MaskSettings) -> None:
    import torch

    facts = {"way": found.way, "share": round(found.share, 4), "unseen": found.unseen, "notes": list(found.notes)}
    save_tensors(run.path(MASK), {"mask": torch.from_numpy(found.pixels).to(torch.uint8)}, facts)
    found.save_sheet(run.path(SHEET), settings.text or ", ".join(settings.points))


def _in_video(workspace: Workspace, source: RunFolder, frames: Clip, points: tuple[Point, ...]) -> tuple[Clip, Size]:
    """The clip as it was fitted, and the size (width, height) of the video, in whose pixels points are told."""
    from vp2p.video.reading import probe

    height, width = frames.pixels.shape[1:3]
    if all(point.percent for point in points):
        return frames, (width, height)
    if not workspace.video.exists():
        raise UsageError(
            f"The video {workspace.video} is gone, and points are told in its pixels.",
            "give --mask-point in percents of the picture: 50%,50%",
        )
    video = probe(workspace.video)
    return dataclasses.replace(frames, fit=source.record().settings["fit"]), (video.width, video.height)
