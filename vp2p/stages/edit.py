"""``vp2p edit``: edits of the inverted clip, beside its source branch."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Sequence

from vp2p.errors import UsageError
from vp2p.pipeline.effect import check_guide, check_merging, followed, nothing_changed, undrawn
from vp2p.pipeline.reference import find_reference
from vp2p.pipeline.unread import EditCase, given, unread_by_edit, without_effect
from vp2p.progress import Progress, silent
from vp2p.prompts.weight import weight_notes
from vp2p.schema import from_mapping, identifying, options, to_record
from vp2p.settings import EditSettings, InvertSettings, MaskSettings
from vp2p.stages.edited import Format, video_name
from vp2p.stages.init import unknown_word_notes
from vp2p.stages.kept import keep_edit, load_inversion, load_motions
from vp2p.stages.mask import found_notes, load_found, make_mask, named_mask, plan_mask
from vp2p.stages.naming import base_name, told_apart
from vp2p.stages.planned import Planned, find_run, finished_plan
from vp2p.stages.result import StageResult, State
from vp2p.stages.running import Checkpoint, Patience, performing
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import content_digest, load_frames, load_mask, mask_path, source_of
from vp2p.stages.windows import in_windows
from vp2p.workspace import RunFolder, Workspace, run_lock
from vp2p.workspace.identity import identity

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.pipeline.journal import Journal
    from vp2p.prompts.plan import EditPlan
    from vp2p.video.clip import Clip

# What enters an identity by what it comes to, not as it was said.
_BY_CONTENT = ("swap", "mask", "prompt", "reference")
_SECONDS_TO_NAME = 60.0  # a name is taken in far less
_SECONDS_TO_FIND = 3600.0  # another edit's process may be finding the same mask
_FINDING = frozenset(one.name for one in options(MaskSettings))


@dataclass(frozen=True)
class KeepAs:
    """How an edit is kept.

    ``name`` is made of the changed words by default, and of ``beside``, which tells this one from others with the same
    words. With ``force`` another edit of this name may be replaced, and this one is made even if it is finished.
    """

    name: str | None = None
    format: Format = "mp4"
    force: bool = False
    beside: str = ""


BY_DEFAULT = KeepAs()


@dataclass(frozen=True)
class PlannedEdit(Planned):
    """An edit, with what it does to the words and the inversion's settings; ``mask`` is the mask run that it needs.

    ``read`` are the options that were given, by flat name, without those that do nothing here.
    """

    settings: EditSettings
    words: EditPlan
    inversion: InvertSettings
    read: Mapping[str, Any] = field(default_factory=dict)
    mask: Planned | None = None
    keep_as: KeepAs = BY_DEFAULT


def plan_edit(session: Session, settings: EditSettings, inverted: Planned, keep_as: KeepAs = BY_DEFAULT) -> PlannedEdit:
    """The edit with these settings of an inversion, which need not be finished.

    Raises:
        UsageError, PromptError: a wrong option or word; another edit has the name.
        ArtifactError: the inversion is of another model.
    """
    from vp2p.prompts.phrases import divides
    from vp2p.prompts.plan import plan_words

    prompt = inverted.recorded["prompt"]
    inversion = from_mapping(InvertSettings, inverted.recorded["invert"])
    check_guide(settings, inversion)
    check_merging(settings, session.settings.attention)
    session.check_model(inverted)
    words = plan_words(session.tokenizer, prompt, settings, inversion.steps, session.tokenizer.model_max_length)
    resolved = to_record(settings)
    effect = {key: value for key, value in identifying(settings).items() if key not in _BY_CONTENT}
    if not settings.composite.propagate:  # nothing is tried or placed then
        effect = {key: value for key, value in effect.items() if key not in ("tries", "in_place")}
    if not divides(words, settings):
        effect.pop("apart", None)
    if words.alignment.phrases:  # a new prompt alone would not pair them
        effect["phrases"] = [[list(old), list(new)] for old, new in words.alignment.phrases]
    found, windows = _found(session, settings, inverted), in_windows(session, inverted.parents.get("source"), inverted)
    named = given(settings, session.usual("edit"))
    unread = unread_by_edit(EditCase(settings, words, inversion, bool(windows)))
    effect = {key: value for key, value in effect.items() if key not in _FINDING}
    if "seed" in unread:
        effect.pop("seed", None)
    effect |= {"target": words.target.prompt, "mask": _mask_digest(settings, found)}
    reference = find_reference(settings.words.reference, session.folder)
    if reference is not None and session.folder.ip_adapter is not None:
        picture, adapter = content_digest(reference.path), session.folder.ip_adapter.digest
        effect["reference"] = {"picture": picture, "scale": reference.scale, "adapter": adapter}
    inputs = {
        "invert": inverted.run.identity,
        "dtype": session.model_identity["dtype"],
        "settings": effect,
        "format_of_video": keep_as.format,
        **windows,
    }
    recorded = {
        "prompt": prompt,
        "target": words.target.prompt,
        "model": session.model_identity | windows,
        "edit": resolved,
        "format": keep_as.format,
        "compute": session.compute,
        "from": inverted.run.name,
    }
    run = _run(inverted.workspace, identity("edit", inputs), base_name(words, settings, keep_as.beside), keep_as)
    parents = {"invert": inverted.run, **inverted.parents}
    if found is not None:
        parents["mask"] = found.run
    notes = (*_inner_notes(words, settings), *weight_notes(settings.words.reweight), *without_effect(named, unread))
    return PlannedEdit(
        *(inverted.workspace, run, recorded, parents, settings, words, inversion),
        notes=notes,
        read={name: value for name, value in named.items() if name not in unread},
        mask=found,
        keep_as=keep_as,
    )


def plan_edits(
    session: Session, asked: Sequence[EditSettings], inverted: Planned, keep_as: KeepAs | Sequence[KeepAs] = BY_DEFAULT
) -> list[PlannedEdit]:
    """Several edits of one inversion; see :func:`plan_edit`. Raises UsageError if one name is given for all."""
    if isinstance(keep_as, KeepAs):
        if keep_as.name is not None and len(asked) > 1:
            raise UsageError(
                f"--name names one edit, but this makes {len(asked)}.",
                "leave out --name: each edit is named after its new words",
            )
        keep_as = [keep_as] * len(asked)
    found = [plan_edit(session, settings, inverted, kept) for settings, kept in zip(asked, keep_as)]
    runs: dict[str, RunFolder] = {}
    plans = []
    for planned, beside in zip(found, told_apart(found)):  # each gets the name it would have, were those before there
        run, kept = planned.run, replace(planned.keep_as, beside=beside)
        if run.identity not in runs and not run.folder.exists() and kept.name is None:
            base, taken = base_name(planned.words, planned.settings, beside), [other.name for other in runs.values()]
            run = planned.workspace.run("edit", run.identity, planned.workspace.free_edit_name(base, taken))
        plans.append(replace(planned, run=runs.setdefault(run.identity, run), keep_as=kept))
    return plans


def edit(
    session: Session,
    settings: EditSettings,
    parent: str | None = None,
    keep_as: KeepAs = BY_DEFAULT,
    progress: Progress = silent,
) -> StageResult:
    """Makes one edit; see :func:`edit_all`."""
    return edit_all(session, [settings], parent, keep_as, progress)[0]


def edit_all(
    session: Session,
    asked: Sequence[EditSettings],
    parent: str | None = None,
    keep_as: KeepAs | Sequence[KeepAs] = BY_DEFAULT,
    progress: Progress = silent,
) -> list[StageResult]:
    """Edits the clip by the newest inversion, or the one that ``parent`` names: each edit is a run of its own.

    Those that are not finished yet are made side by side, and each is kept as soon as it is made.

    Args:
        keep_as: how all are kept, or how each is.

    Raises:
        ArtifactError: there is no inversion yet.
        UsageError, PromptError: see :func:`plan_edits`; then nothing is made.
        Interrupted: a signal came; of edits of a long clip a checkpoint is saved, and nothing is kept of others.
    """
    inverted = find_run(session.workspace, "invert", parent, "vp2p invert")
    plans = plan_edits(session, asked, inverted, keep_as)
    _make_masks(session, [one for one in plans if one.keep_as.force or not one.run.finished], progress)
    with ExitStack() as runs:
        making: dict[str, _Making] = {}
        with ExitStack() as naming:
            unnamed = [one for one in plans if one.keep_as.name is None]
            if not all(one.run.finished for one in unnamed):  # held until all are begun, so that no two take one name
                naming.enter_context(run_lock(session.workspace.folder / "edit", wait=_SECONDS_TO_NAME))
            for planned in plans:
                if planned.run.identity in making:
                    continue
                if planned.keep_as.name is None:
                    planned = plan_edit(session, planned.settings, inverted, planned.keep_as)
                held = runs.enter_context(ExitStack())
                state, found = held.enter_context(performing(planned, planned.keep_as.force, session.patience))
                making[planned.run.identity] = _Making(planned, state, held, [], found)
        told = [(*planned.notes, *unknown_word_notes(session, planned.words.target.prompt)) for planned in plans]
        _make(session, inverted, [one for one in making.values() if one.state != "up to date"], progress)
    return [making[planned.run.identity].result(notes) for planned, notes in zip(plans, told)]


class _Making(NamedTuple):
    """An edit whose run is ``held`` until it is kept; ``notes`` are on what was made, ``found`` is a checkpoint."""

    planned: PlannedEdit
    state: State
    held: ExitStack
    notes: list[str]
    found: Checkpoint = None

    def result(self, told: tuple[str, ...]) -> StageResult:
        """What came of it, with what was ``told`` before it was made."""
        run, words = self.planned.run, self.planned.words
        facts = {"kind": words.kind, "prompt": words.target.prompt, **_frames(run), "sheet": str(run.path("sheet.png"))}
        return StageResult(
            *("edit", run.name, self.state, run.path(video_name(self.planned.keep_as.format)), facts),
            notes=(*told, *self.notes),
        )


def _make(session: Session, inverted: Planned, making: Sequence[_Making], progress: Progress) -> None:
    """Makes edits, and finishes the run of each as soon as it is kept."""
    if not making:
        return
    clip = load_frames(source_of(inverted, session.folder), session.workspace.video)
    masks = [_mask(session, one.planned, clip) for one in making]
    session.use_tuned(inverted.parent("tune"))  # with the model the libraries come, which the following need
    from vp2p.pipeline.edit import Asked
    from vp2p.pipeline.edit import edit_all as edit_clip

    asked = [Asked(one.planned.settings, mask) for one, (mask, _) in zip(making, masks)]
    first, inversion = making[0], load_inversion(inverted.run, clip)
    with Saver(first.planned.run, immutable=True) as saver:
        journal = _journal(making, saver)
        for place, edited in edit_clip(session.model, inversion, asked, progress, journal):
            one = making[place]
            one.notes.extend(masks[place][1])
            wanted = one.planned.settings
            one.notes.extend((*nothing_changed(edited, wanted), *undrawn(edited, one.planned.read), *followed(edited)))
            one.notes.extend(keep_edit(one.planned.run, edited, one.planned.keep_as.format))
            if one is first:
                saver.end()
            one.held.close()


def _journal(making: Sequence[_Making], saver: Saver) -> Journal:
    """Keeps the passes of edits in the first one's checkpoint until that is finished; only the same edits go on."""
    from vp2p.pipeline.journal import Journal

    first, edits = making[0], [one.planned.run.identity for one in making]
    tensors, meta = first.found or ({}, {"edits": edits, "step": 0})
    steps = count(meta["step"] + 1)

    def on_state(state: Callable[[], Mapping[str, Tensor]]) -> None:
        if not first.planned.run.has_manifest:
            step = next(steps)
            saver.offer(lambda: (state(), {"step": step, "edits": edits}))

    return Journal(on_state, tensors if meta["edits"] == edits else None)


def _frames(run: RunFolder) -> dict[str, list[int]]:
    """The key frames and the hard frames of an edit, counted from 1, where there are any."""
    from vp2p.compositing.followed import hard_frames, key_frames

    motions = load_motions(run)
    found = {"key frames": key_frames(motions), "hard frames": hard_frames(motions)}
    return {name: [frame + 1 for frame in frames] for name, frames in found.items() if frames}


def _found(session: Session, settings: EditSettings, inverted: Planned) -> Planned | None:
    """The mask run that an edit needs: of words or points, or one that ``--mask`` names; else None."""
    if settings.blend.found.asked:
        made_from = {stage: run for stage, run in inverted.parents.items() if stage in ("source", "tune")}
        return plan_mask(session, settings.blend.found, made_from)
    named = named_mask(inverted.workspace, settings.blend.mask)
    return None if named is None else finished_plan(inverted.workspace, named)


def _mask_digest(settings: EditSettings, found: Planned | None) -> str | None:
    """What tells an edit's mask from others; None where it has none."""
    if found is not None:
        return found.run.identity
    return settings.blend.mask and content_digest(mask_path(settings.blend.mask))


def _make_masks(session: Session, plans: Sequence[PlannedEdit], progress: Progress) -> None:
    """Finds the masks that edits need, each once, before any edit is begun."""
    patience = Patience(max(session.patience.seconds, _SECONDS_TO_FIND), session.patience.told)
    for found in {one.mask.run.identity: one.mask for one in plans if one.mask is not None}.values():
        make_mask(session, found, progress, patience=patience)


def _mask(session: Session, planned: PlannedEdit, clip: Clip) -> tuple[Tensor | None, tuple[str, ...]]:
    """The mask (F, H, W) of an edit, and notes on it."""
    if planned.mask is not None:
        return load_found(planned.mask.run, clip), found_notes(planned.mask.run)
    if not planned.settings.blend.mask:
        return None, ()
    workspace, size = session.workspace, clip.pixels.shape[1:3]
    return load_mask(mask_path(planned.settings.blend.mask), workspace.video, workspace.config.clip, clip, size)


def _inner_notes(plan: EditPlan, settings: EditSettings) -> tuple[str, ...]:
    """Says what a swap inside a sentence without spaces comes to, since it may hit a part of a longer word."""
    from vp2p.prompts.swap import by_prompt, inner_swaps

    if not inner_swaps(settings.words.swap):
        return ()
    return (f"the swap is made inside a sentence without spaces; it is the same as: {by_prompt(plan.target.prompt)}",)


def _run(workspace: Workspace, digest: str, base: str, keep_as: KeepAs) -> RunFolder:
    """The folder of this very edit if there is one, else a new one; another edit's is never taken."""
    if keep_as.name is None:
        for run in workspace.runs("edit"):
            if run.identity == digest:
                return run
        return workspace.run("edit", digest, workspace.free_edit_name(base))
    run = workspace.run("edit", digest, keep_as.name)
    taken = next((other for other in workspace.runs("edit") if other.name == run.name), None)
    if taken is not None and taken.identity != digest:
        if not keep_as.force:
            raise UsageError(
                f"There is another edit called {run.name}.",
                f"give another --name, such as {workspace.free_edit_name(run.name)}, or --force to replace it",
            )
    return run
