"""``vp2p attention``: where the model sees each word in the clip, before an edit is made."""

from __future__ import annotations

import dataclasses

from vp2p.models.text import check_length
from vp2p.pipeline.described import Described
from vp2p.pipeline.seen import Seen, WordAttention, chosen_words, size_label
from vp2p.progress import Progress, silent
from vp2p.prompts.words import split_prompt
from vp2p.schema import from_mapping, to_mapping
from vp2p.settings import AttentionSettings
from vp2p.stages.init import unknown_word_notes
from vp2p.stages.planned import Planned, find_run, finished_plan
from vp2p.stages.result import StageResult
from vp2p.stages.running import perform
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, plan_source, source_of
from vp2p.stages.windows import in_windows
from vp2p.workspace import RunFolder, Workspace, save_tensors
from vp2p.workspace.identity import identity
from vp2p.workspace.tensors import load_metadata

MAPS, SHEET = "maps.safetensors", "sheet.png"
# Articles and words that are not in the picture spread over nine tenths of it and more.
_FLAT = 0.85


def plan_attention(session: Session, settings: AttentionSettings, parent: str | None = None) -> Planned:
    """The run that looks at these words by the newest tune run, or the one that ``parent`` names, or untuned.

    Raises:
        UsageError, PromptError: there is no such run or word, or the prompt is too long.
        ArtifactError: the tune run is of another model.
        Vp2pError: see the workspace, the video and the model.
    """
    workspace = session.workspace
    tuned = tuned_plan(workspace, parent)
    if tuned is not None:
        session.check_model(tuned)
    parents = {**tuned.parents, "tune": tuned.run} if tuned else {"source": plan_source(workspace, session.folder).run}
    prompt = settings.prompt or workspace.config.prompt
    tokenized = split_prompt(session.tokenizer, prompt)
    check_length(prompt, len(tokenized.ids), session.tokenizer.model_max_length)
    settings = dataclasses.replace(settings, words=tuple(chosen_words(tokenized, settings.words)))
    model = session.model_identity | in_windows(session, parents.get("source"), tuned)
    inputs = {
        "source": parents["source"].identity,
        "tune": tuned.run.identity if tuned else None,
        "model": model,
        "settings": to_mapping(settings) | {"prompt": prompt},
    }
    recorded = {
        "prompt": prompt,
        "model": model,
        "attention": to_mapping(settings),
        "compute": session.compute,
    }
    if tuned is not None:
        recorded["from"] = tuned.run.name
    return Planned(workspace, workspace.run("attention", identity("attention", inputs)), recorded, parents)


def attention(
    session: Session,
    settings: AttentionSettings,
    parent: str | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> StageResult:
    """Keeps the words' maps and a sheet of them; see :func:`plan_attention`.

    Raises:
        UsageError, PromptError: a wrong option or word.
        ArtifactError: the tune run is of another model.
        Interrupted: a signal came; nothing is kept.
    """
    planned = plan_attention(session, settings, parent)
    run, tuned = planned.run, planned.parents.get("tune")
    settings = from_mapping(AttentionSettings, planned.recorded["attention"])

    def work(_: object) -> None:
        frames, model = load_frames(source_of(planned, session.folder)), session.model
        from vp2p.pipeline.attention import word_attention  # after the model, with which the libraries come

        if tuned is not None:
            session.use_tuned(tuned)
        with Saver(run, immutable=True):
            _keep(run, word_attention(model, Described(frames, planned.recorded["prompt"]), settings, progress))

    done = perform(planned, work, force, session.patience)
    kept = load_metadata(run.path(MAPS), run.rebuild)
    facts = {
        "model": f"tuned, {tuned.name}" if tuned else "not tuned yet",
        "maps": f"of size {kept['level']}, the mean of {kept['steps']}",
    }
    facts |= {f'"{one["word"]}"': str(Seen(one["spread"], one["peak"])) for one in kept["words"]}
    notes = unknown_word_notes(session, planned.recorded["prompt"])
    flat = [one["word"] for one in kept["words"] if one["spread"] > _FLAT]
    notes += tuple(
        f"the model does not find {word!r} anywhere in particular; an edit of it may not take, or act everywhere"
        for word in flat
    )
    next_ = ("vp2p invert",) if tuned else ("vp2p tune",)
    return StageResult("attention", run.name, done, run.path(SHEET), facts, notes, next_)


def tuned_plan(workspace: Workspace, parent: str | None) -> Planned | None:
    """The finished tune run that ``parent`` names, or the newest; None where there is none yet."""
    if parent is not None:
        return find_run(workspace, "tune", parent, "vp2p tune")
    newest = workspace.newest("tune")
    return finished_plan(workspace, newest) if newest else None


def _keep(run: RunFolder, found: WordAttention) -> None:
    """Keeps the maps, what is known of each word, and a sheet."""
    words = [{"word": word, "spread": seen.spread, "peak": seen.peak} for word, seen in found.words.items()]
    facts = {
        "prompt": found.prompt,
        "words": words,
        "level": size_label(found.size),
        "steps": f"{len(found.timesteps)} timesteps from {found.timesteps[0]} to {found.timesteps[-1]}",
    }
    tensors = {"maps" if size == found.size else f"maps.{size_label(size)}": maps for size, maps in found.maps.items()}
    save_tensors(run.path(MAPS), tensors, facts)
    found.save_sheet(run.path(SHEET))
