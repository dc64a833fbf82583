"""``vp2p full``: a finished edit at its source's own size and rate, with its sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from vp2p.errors import UsageError
from vp2p.progress import Progress, silent
from vp2p.schema import from_mapping, from_record
from vp2p.settings import ClipSettings, EditSettings, InvertSettings
from vp2p.stages.edited import FRAMES
from vp2p.stages.planned import Planned, find_run
from vp2p.stages.redo import run_command
from vp2p.stages.result import StageResult
from vp2p.stages.running import Checkpoint, perform
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, source_identity, source_of
from vp2p.text import typed
from vp2p.workspace import RunFolder, load_tensors
from vp2p.workspace.identity import identity
from vp2p.workspace.layout import CHECKPOINT

if TYPE_CHECKING:
    from vp2p.pipeline.full import SampledEdit

VIDEO = "full.mp4"
_FORMAT = 1  # of the way in which it is made


def plan_full(edited: Planned) -> Planned:
    """The run that brings an edit, which need not be finished, to its source's own size and rate.

    Raises:
        UsageError: the video is gone or has changed, and the run is not finished.
    """
    digest = identity("full", {"edit": edited.run.identity, "way": _FORMAT})
    recorded = {"prompt": edited.recorded["prompt"], "target": edited.recorded["target"], "from": edited.run.name}
    run = edited.workspace.run("full", digest)
    planned = Planned(edited.workspace, run, recorded, {"edit": edited.run, **edited.parents})
    if not run.finished:
        _check_video(planned)
    return planned


def full(session: Session, name: str | None = None, force: bool = False, progress: Progress = silent) -> StageResult:
    """Brings the newest edit, or the one that is called ``name``, to its source's own size and rate.

    Raises:
        ArtifactError: no edit is finished, or one is damaged.
        UsageError: the video is gone or has changed, or its colours were read in another way; the edit changes the
            whole picture, or its mask is as wide as that of the ground.
        Interrupted: a signal came; the windows that are made stay.
    """
    edited = find_run(session.workspace, "edit", name, "vp2p edit --swap OLD=NEW")
    planned = plan_full(edited)
    run, notes = planned.run, list[str]()

    def work(found: Checkpoint) -> None:
        from vp2p.pipeline.full import FullEdit, same_colours
        from vp2p.pipeline.layer_files import LayerFiles
        from vp2p.video.reading import SpanFrames
        from vp2p.video.writing import write_video

        edit, video = _sampled(session, edited), session.workspace.video
        _check_region(edited, edit)
        span = SpanFrames(video, _clip_settings(planned.parent("source")))
        if not same_colours(span, edit):
            raise UsageError(
                f"The colours of {video} are read in another way now than when it was edited.",
                "begin anew: vp2p init OTHER --video " + typed(str(video)) + ' --prompt "…"',
            )
        height, width = edit.clip.shape[1:3]
        made = FullEdit(span, (width, height), edit.fit, LayerFiles(run.folder / CHECKPOINT, edit.keeps, run.rebuild))
        done, total = found[1]["step"] if found else 0, len(made.windows)
        with Saver(run, immutable=True, seconds=0) as saver:  # a window takes longer than a checkpoint
            if not found:
                made.begin(edit)
                saver.offer(lambda: ({}, {"step": 0}))
            progress("full", done, total + 1)
            for number in made.bring(done):
                progress("full", number, total + 1)
                saver.offer(lambda number=number: ({}, {"step": number}))  # type: ignore[misc]
            notes.extend(span.notes + write_video(run.path(VIDEO), made, span.timing, video))
            progress("full", total + 1, total + 1)

    state = perform(planned, work, force, session.patience)
    return StageResult("full", run.name, state, run.path(VIDEO), _facts(run, edited), tuple(notes))


def _check_region(edited: Planned, edit: SampledEdit) -> None:
    """Raises UsageError unless an edit has a region that can be laid over the source, with what may give one."""
    from vp2p.pipeline.full import region_of

    try:
        region_of(edit, f"the edit {edited.run.name}")
    except UsageError as error:
        if edit.mask is None:
            raise
        command = run_command(edited.run, narrower(edited.recorded["edit"]))
        raise UsageError(error.cause, f"if it is an object, try a narrower mask: {command} --full") from error


def narrower(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """What may make the mask of an edit narrower."""
    if settings.get("mask_grow") and (settings.get("mask_text") or settings.get("mask_point")):
        return {"mask_grow": round(settings["mask_grow"] / 3, 1)}
    if settings.get("mask"):
        return {"mask": None, "mask_point": ["50%,50%"]}
    if settings.get("mask_text") or settings.get("mask_point"):
        return {"mask_text": None, "mask_point": ["50%,50%"]}
    return {"blend_threshold": round((1 + settings["blend_threshold"]) / 2, 2)}


def _facts(run: RunFolder, edited: Planned) -> Mapping[str, str]:
    from vp2p.video.reading import probe

    made = probe(run.path(VIDEO))
    size = f"{made.width}x{made.height}, {made.frames} frames, {float(made.rate):.4g} a second"
    return {"edit": edited.run.name, "video": size}


def _check_video(planned: Planned) -> None:
    """Raises UsageError unless the video is there, and is the one whose frames were edited."""
    video, source = planned.workspace.video, planned.parent("source")
    if not video.exists():
        raise UsageError(
            f"The video {video} is gone, and its own frames are needed.", "put it back, or: vp2p config video PATH"
        )
    if source_identity(source.record().settings, video) != source.identity:
        raise UsageError(
            f"The video {video} is not the one that was edited.",
            "put that one back, or begin anew: vp2p init OTHER --video " + typed(str(video)) + ' --prompt "…"',
        )


def _clip_settings(source: RunFolder) -> ClipSettings:
    """How the frames of a source run were chosen."""
    settings = source.record().settings
    known = ClipSettings.__dataclass_fields__
    return from_mapping(ClipSettings, {name: value for name, value in settings.items() if name in known})


def _sampled(session: Session, edited: Planned) -> SampledEdit:
    """A finished edit, as it was kept."""
    from vp2p.pipeline.full import SampledEdit
    from vp2p.prompts.plan import plan_words

    run, recorded = edited.run, edited.recorded
    run.verify()
    source = source_of(edited, session.folder)
    frames = load_tensors(run.path(FRAMES), run.rebuild)["frames"].numpy()
    mask = run.path("mask.safetensors")
    settings = from_mapping(EditSettings, from_record(recorded["edit"]))
    steps = from_mapping(InvertSettings, edited.parent("invert").record().settings["invert"]).steps
    plan = plan_words(session.tokenizer, recorded["prompt"], settings, steps, session.tokenizer.model_max_length)
    return SampledEdit(
        load_frames(source).pixels,
        frames,
        load_tensors(mask, run.rebuild)["mask"].numpy() if mask.exists() else None,
        _clip_settings(source).fit,
        not plan.replaces,
    )
