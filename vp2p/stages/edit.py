"""``vp2p edit``: one edit of the inverted clip, beside its source branch."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vp2p.errors import PromptError, UsageError
from vp2p.schema import from_mapping, identifying, to_record
from vp2p.settings import EditSettings, InvertSettings
from vp2p.stages.edited import Format, video_name
from vp2p.stages.effect import without_effect
from vp2p.stages.init import unknown_word_notes
from vp2p.stages.planned import Planned, find_run
from vp2p.stages.result import Progress, StageResult, silent
from vp2p.stages.running import perform
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import Frames, content_digest, load_frames, load_mask, mask_path, source_of
from vp2p.workspace import RunFolder, Workspace, run_lock
from vp2p.workspace.identity import identity
from vp2p.workspace.names import name_of_words

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.prompts.plan import EditPlan

_SECONDS_TO_NAME = 60.0  # a name is taken in far less


@dataclass(frozen=True)
class PlannedEdit(Planned):
    """An edit, with what it does to the words and the inversion's settings."""

    words: EditPlan
    inversion: InvertSettings
    notes: tuple[str, ...] = ()


def plan_edit(
    session: Session,
    settings: EditSettings,
    inverted: Planned,
    name: str | None = None,
    format: Format = "mp4",
    force: bool = False,
) -> PlannedEdit:
    """The edit with these settings of an inversion, which need not be finished.

    Args:
        name: the edit's name; by default it is made of the changed words.
        force: another edit of this name may be replaced.

    Raises:
        UsageError, PromptError: a wrong option or word; another edit has the name.
        ArtifactError: the inversion is of another model.
    """
    from vp2p.prompts.phrases import divides

    prompt = inverted.recorded["prompt"]
    inversion = from_mapping(InvertSettings, inverted.recorded["invert"])
    _check_guide(settings, inversion)
    session.check_model(inverted)
    words = _plan_words(session, settings, prompt, inversion.steps)
    resolved = to_record(settings)
    effect = {key: value for key, value in identifying(settings).items() if key not in ("swap", "mask", "prompt")}
    if not settings.composite.propagate:  # nothing is tried or placed then
        effect = {key: value for key, value in effect.items() if key not in ("tries", "in_place")}
    if not divides(words, settings):
        effect.pop("apart", None)
    mask = settings.blend.mask
    effect |= {"target": words.target.prompt, "mask": mask and content_digest(mask_path(mask))}
    inputs = {
        "invert": inverted.run.identity,
        "dtype": session.model_identity["dtype"],
        "settings": effect,
        "format_of_video": format,
    }
    recorded = {
        "prompt": prompt,
        "target": words.target.prompt,
        "model": session.model_identity,
        "edit": resolved,
        "format": format,
        "compute": session.compute,
        "from": inverted.run.name,
    }
    run = _run(inverted.workspace, identity("edit", inputs), name, default_name(words, settings), force)
    parents = {"invert": inverted.run, **inverted.parents}
    return PlannedEdit(inverted.workspace, run, recorded, parents, words, inversion, _inner_notes(words, settings))


def edit(
    session: Session,
    settings: EditSettings,
    parent: str | None = None,
    name: str | None = None,
    format: Format = "mp4",
    force: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Edits the clip by the newest inversion, or the one that ``parent`` names; see :func:`plan_edit`.

    Raises:
        ArtifactError: there is no inversion yet.
        UsageError, PromptError: a wrong option or word; another edit has the name.
        Interrupted: a signal came; nothing of the edit is kept.
    """
    inverted = find_run(session.workspace, "invert", parent, "vp2p invert")
    notes: list[str] = []

    with ExitStack() as naming:
        planned = plan_edit(session, settings, inverted, name, format, force)
        if name is None and not planned.run.finished:  # until the run is begun, so that two at once take two names
            naming.enter_context(run_lock(session.workspace.folder / "edit", wait=_SECONDS_TO_NAME))
            planned = plan_edit(session, settings, inverted, name, format, force)
        run, words = planned.run, planned.words

        def work(_: object) -> None:
            from vp2p.stages.editing import compute_edit, keep_edit
            from vp2p.stages.effect import nothing_changed

            naming.close()
            frames = load_frames(source_of(planned, session.folder))
            mask, told = _mask(session, settings, frames)
            notes.extend(told)
            session.use_tuned(planned.parent("tune"))
            with Saver(run, immutable=True):
                made = compute_edit(session, settings, planned.inversion, inverted.run, words, frames, mask, progress)
            notes.extend(nothing_changed(made, frames, words))
            notes.extend(keep_edit(session, run, made, frames, words, run.path(video_name(format)), format))

        notes.extend((*planned.notes, *without_effect(settings)))
        notes.extend(unknown_word_notes(session, words.target.prompt))
        done = perform(planned, work, force, session.patience)
    facts = {"kind": words.kind, "prompt": words.target.prompt, "sheet": str(run.path("sheet.png"))}
    return StageResult("edit", run.name, done, run.path(video_name(format)), facts, tuple(notes))


def _mask(session: Session, settings: EditSettings, frames: Frames) -> tuple[Tensor | None, tuple[str, ...]]:
    """The mask (F, H, W) that the settings name, and notes on it."""
    if not settings.blend.mask:
        return None, ()
    workspace, size = session.workspace, frames.pixels.shape[1:3]
    return load_mask(mask_path(settings.blend.mask), workspace.video, workspace.config.clip, frames, size)


def _check_guide(settings: EditSettings, inversion: InvertSettings) -> None:
    if settings.control.guide == "optimised" and inversion.method != "null-text":
        raise UsageError(
            f"--guide optimised needs optimised embeddings, which the {inversion.method} inversion has not.",
            "vp2p invert --method null-text",
        )


def _plan_words(session: Session, settings: EditSettings, prompt: str, steps: int) -> EditPlan:
    """The edit's plan. Raises PromptError if no option says what to change."""
    from vp2p.prompts.plan import plan_edit as plan_words

    said = settings.words
    if said.prompt is None and not said.swap and not said.reweight:
        raise PromptError(
            "There is no edit to make.", 'vp2p edit --swap OLD=NEW, or --prompt "…", or --reweight WORD:2'
        )
    return plan_words(session.tokenizer, prompt, settings, steps, session.tokenizer.model_max_length)


def default_name(plan: EditPlan, settings: EditSettings) -> str:
    """A name for an edit: its new words, then its weights; at most 48 characters."""
    from vp2p.prompts.swap import inner_swaps

    parts = list(plan.changed_words)
    if inner_swaps(settings.words.swap):  # the words as they were said, where no space says where they end
        sides = [text.rpartition("=")[2].strip() for text in settings.words.swap]
        parts = sides if all(side in plan.target.prompt for side in sides) else parts
    if not parts and not settings.words.reweight:
        parts = [plan.changed_signs or "same"]
    parts += [text.replace(":", "-").replace("#", "-") for text in settings.words.reweight]
    return name_of_words("-".join(parts)) or "edit"


def _inner_notes(plan: EditPlan, settings: EditSettings) -> tuple[str, ...]:
    """Says what a swap inside a sentence without spaces comes to, since it may hit a part of a longer word."""
    from vp2p.prompts.swap import by_prompt, inner_swaps

    if not inner_swaps(settings.words.swap):
        return ()
    return (f"the swap is made inside a sentence without spaces; it is the same as: {by_prompt(plan.target.prompt)}",)


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
