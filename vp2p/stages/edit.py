"""``vp2p edit``: one edit of the inverted clip, beside its source branch."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Mapping

from vp2p.errors import UsageError
from vp2p.settings import EditSettings, InvertSettings, from_mapping, to_mapping
from vp2p.stages.init import unknown_word_notes
from vp2p.stages.invert import find_run
from vp2p.stages.result import Progress, StageResult, silent
from vp2p.stages.running import perform
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import Frames, content_digest, load_frames, load_mask, source_of
from vp2p.workspace import RunFolder, Workspace, load_tensors, save_tensors
from vp2p.workspace.identity import identity

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.method.editing import Edited, SourceBranch, Target
    from vp2p.method.plan import EditPlan

Format = Literal["mp4", "gif", "webp", "png"]


def edit(
    session: Session,
    settings: EditSettings,
    parent: str | None = None,
    name: str | None = None,
    format: Format = "mp4",
    force: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Edits the clip by the newest inversion, or the one that ``parent`` names.

    Args:
        name: the edit's name; by default it is made of the changed words.

    Raises:
        ArtifactError: there is no inversion yet.
        UsageError, PromptError: a wrong option or word; another edit has the name.
        Interrupted: a signal came; nothing of the edit is kept.
    """
    workspace = session.workspace
    inverted = find_run(workspace, "invert", parent, "vp2p invert")
    record = inverted.manifest()
    prompt = record["settings"]["prompt"]
    inversion = from_mapping(InvertSettings, record["settings"]["invert"])
    _check_guide(settings, inversion)
    session.check_model(inverted)
    plan = _plan(session, settings, prompt, inversion.steps)
    mask = _mask(session, Path(settings.mask).expanduser(), record) if settings.mask else None
    resolved = to_mapping(settings)
    effect = {key: value for key, value in resolved.items() if key not in ("swap", "mask", "prompt")}
    effect |= {"target": plan.target.prompt, "mask": mask and mask[0]}
    run = _run(
        workspace,
        identity(
            "edit",
            {
                "invert": inverted.identity,
                "dtype": session.model_identity["dtype"],
                "settings": effect,
                "format_of_video": format,
            },
        ),
        name,
        default_name(plan, settings),
        force,
    )

    def work(_: object) -> None:
        tuned = workspace.by_name("tune", record["parents"]["tune"])
        session.use_tuned(tuned)
        frames = load_frames(source_of(workspace, session.folder, record["parents"]["source"]))
        with Saver(run, immutable=True):
            edited = _edit(session, settings, inversion, inverted, plan, mask and mask[1], progress)
        notes.extend(_keep(session, run, edited, frames, plan, format))

    notes = list(unknown_word_notes(session, plan.target.prompt))
    parents = {"invert": inverted.name, **record["parents"]}
    recorded = {"prompt": prompt, "target": plan.target.prompt, "model": session.model_identity, "edit": resolved}
    recorded |= {"format": format, "compute": session.compute, "from": inverted.name}
    done = perform(run, recorded, parents, work, force)
    facts = {"kind": plan.kind, "prompt": plan.target.prompt, "sheet": str(run.path("sheet.png"))}
    return StageResult("edit", run.name, done, run.path(_video_name(format)), facts, tuple(notes))


def _mask(session: Session, path: Path, record: Mapping[str, Any]) -> tuple[str, Tensor]:
    """The digest of a mask's video, and the mask (F, h, w)."""
    if not path.exists():
        raise UsageError(f"There is no mask {path}.", "give --mask a video or a folder of pictures")
    frames = load_frames(source_of(session.workspace, session.folder, record["parents"]["source"]))
    height, width = (side // session.folder.downscale for side in frames.pixels.shape[1:3])
    return content_digest(path), load_mask(path, session.workspace.config.clip, frames, (height, width))


def _check_guide(settings: EditSettings, inversion: InvertSettings) -> None:
    if settings.guide == "optimised" and inversion.method != "null-text":
        raise UsageError(
            f"--guide optimised needs optimised embeddings, which the {inversion.method} inversion has not.",
            "vp2p invert --method null-text",
        )


def _plan(session: Session, settings: EditSettings, prompt: str, steps: int) -> EditPlan:
    """The edit's plan. Raises PromptError if no option says what to change."""
    from vp2p.errors import PromptError
    from vp2p.method.plan import plan_edit

    if settings.prompt is None and not settings.swap and not settings.reweight:
        raise PromptError(
            "There is no edit to make.", 'vp2p edit --swap OLD=NEW, or --prompt "…", or --reweight WORD:2'
        )
    return plan_edit(session.model.tokenizer, prompt, settings, steps, session.model.token_limit)


def default_name(plan: EditPlan, settings: EditSettings) -> str:
    """A name for an edit: its new words, then its weights; at most 48 characters."""
    parts = list(plan.changed_words) or ([] if settings.reweight else ["same"])
    parts += [text.replace(":", "-").replace("#", "-") for text in settings.reweight]
    name = re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-._")
    return name[:48].rstrip("-._") or "edit"


def _run(workspace: Workspace, digest: str, name: str | None, base: str, force: bool) -> RunFolder:
    """The folder of this very edit if there is one, else a new one; another edit's is never taken."""
    if name is None:
        for run in workspace.runs("edit"):
            if run.identity == digest:
                return run
        return workspace.run("edit", digest, workspace.free_edit_name(base))
    run = workspace.run("edit", digest, name)
    taken = next((other for other in workspace.runs("edit") if other.name == run.name), None)
    if taken is not None and taken.identity != digest:
        if not force:
            raise UsageError(
                f"There is another edit called {run.name}.",
                f"give another --name, such as {workspace.free_edit_name(run.name)}, or --force to replace it",
            )
    return run


def _edit(
    session: Session,
    settings: EditSettings,
    inversion: InvertSettings,
    inverted: RunFolder,
    plan: EditPlan,
    mask: Tensor | None,
    progress: Progress,
) -> Edited:
    from vp2p.method.editing import edit as edit_latents
    from vp2p.method.schedule import Schedule

    device = session.model.device
    inverted.verify()
    trajectory = load_tensors(inverted.path("trajectory.safetensors"), inverted.rebuild)["trajectory"].to(device)
    empty = session.embed("")
    source, uncond = _source_branch(session, settings, inversion, inverted, trajectory, empty)
    target = _target(session, settings, inversion, plan, uncond)
    if mask is not None:
        target = dataclasses.replace(target, mask=mask.to(device))
    schedule = Schedule.of(session.model.scheduler, inversion.steps)
    cond = session.embed(plan.source.prompt)
    return edit_latents(
        session.t2s,
        schedule,
        trajectory[-1],
        cond,
        empty,
        source,
        [target],
        lambda state: progress("edit", state.step, schedule.steps),
    )


def _source_branch(
    session: Session,
    settings: EditSettings,
    inversion: InvertSettings,
    inverted: RunFolder,
    trajectory: Tensor,
    empty: Tensor,
) -> tuple[SourceBranch, Tensor]:
    """How the source walks back, and the target's unconditional embeddings."""
    from vp2p.method.editing import SourceBranch

    if inversion.method == "direct":
        return SourceBranch(recorded=trajectory), empty
    if inversion.method == "ddim":
        return SourceBranch(), empty
    if settings.guide == "empty":
        return SourceBranch(guidance=inversion.guidance), empty
    kept = load_tensors(inverted.path("null.safetensors"), inverted.rebuild)
    kept = {name: tensor.to(session.model.device) for name, tensor in kept.items()}
    uncond = kept["embeddings"] if settings.guide == "optimised" else empty
    return SourceBranch(recorded=kept["source"]), uncond


def _target(
    session: Session, settings: EditSettings, inversion: InvertSettings, plan: EditPlan, uncond: Tensor
) -> Target:
    from vp2p.method.editing import Target

    guidance = inversion.guidance if settings.guidance is None else settings.guidance
    return Target(plan, settings, guidance, session.embed(plan.target.prompt), uncond)


def _video_name(format: Format) -> str:
    return "edited" if format == "png" else f"edited.{format}"


def _keep(
    session: Session, run: RunFolder, edited: Edited, frames: Frames, plan: EditPlan, format: Format
) -> tuple[str, ...]:
    """Writes what an edit leaves; returns notes for the user."""
    from vp2p.models.codec import decode_latents
    from vp2p.video.sheet import contact_sheet
    from vp2p.video.writing import write_video

    video = session.workspace.video
    audio = video if video.is_file() else None
    span = (frames.start, frames.end)
    before, after = decode_latents(session.model, edited.source), decode_latents(session.model, edited.targets[0])
    save_tensors(run.path("latents.safetensors"), {"source": edited.source, "target": edited.targets[0]})
    if edited.masks[0] is not None:
        save_tensors(run.path("mask.safetensors"), {"mask": edited.masks[0].float()})
    write_video(run.path("source.mp4"), before, frames.rate, audio, span)
    notes = write_video(run.path(_video_name(format)), after, frames.rate, audio, span, format)
    contact_sheet([(plan.source.prompt, before), (plan.target.prompt, after)], run.path("sheet.png"))
    return notes
