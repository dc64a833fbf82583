"""``vp2p tune``: the text-to-set model tuned on the workspace's clip."""

from __future__ import annotations

from typing import Any

from vp2p.pipeline.unread import given, unread_by_tune, without_effect
from vp2p.progress import Progress, silent
from vp2p.schema import identifying, to_mapping
from vp2p.settings import TuneSettings
from vp2p.stages.figures import last_losses, losses
from vp2p.stages.planned import Planned
from vp2p.stages.result import StageResult
from vp2p.stages.running import Checkpoint, perform
from vp2p.stages.saving import SECONDS_BETWEEN, Saver
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, plan_source, source_of
from vp2p.stages.windows import in_windows
from vp2p.workspace import save_tensors
from vp2p.workspace.identity import identity

# Settings that change what a run costs, not what it gives.
_WITHOUT_EFFECT = {"gradient_checkpointing"}


def plan_tune(session: Session, settings: TuneSettings) -> Planned:
    """The tune run of these settings on the workspace's clip.

    Raises:
        Vp2pError: see the workspace, the video and the model.
    """
    workspace = session.workspace
    prompt = workspace.config.prompt
    source = plan_source(workspace, session.folder).run
    resolved, model = to_mapping(settings), session.model_identity | in_windows(session, source)
    inputs = {
        "source": source.identity,
        "model": model,
        "prompt": prompt,
        "settings": {key: value for key, value in identifying(settings).items() if key not in _WITHOUT_EFFECT},
    }
    recorded = {"prompt": prompt, "model": model, "tune": resolved, "compute": session.compute}
    run = workspace.run("tune", identity("tune", inputs))
    notes = without_effect(given(settings, session.usual("tune")), unread_by_tune(settings))
    if settings.steps == session.folder.suited("tune").get("steps") == 0:
        notes += ("the model stays untuned: its card says that it needs no tuning; --steps auto tunes it all the same",)
    return Planned(workspace, run, recorded, {"source": source}, notes=notes)


def tune(
    session: Session,
    settings: TuneSettings,
    force: bool = False,
    progress: Progress = silent,
    checkpoint_seconds: float = SECONDS_BETWEEN,
) -> StageResult:
    """Tunes, or goes on tuning, and keeps the trained tensors.

    Raises:
        Vp2pError: see the workspace, the video and the model.
        Interrupted: a signal came; the checkpoint is saved.
    """
    planned = plan_tune(session, settings)
    run, prompt = planned.run, planned.recorded["prompt"]
    source = source_of(planned, session.folder)
    source.verify()  # also where tuning is up to date, since all that follows is made from these frames

    def work(found: Checkpoint) -> None:
        model = session.model  # with it the libraries come, which the following need
        from vp2p.method.tuning import Tuning
        from vp2p.method.tuning import tune as tune_model
        from vp2p.pipeline.described import Described
        from vp2p.pipeline.tune import tuning_task

        task = tuning_task(model, Described(load_frames(source), prompt), settings)
        state = Tuning.start(task.model, settings)
        if found:
            tensors, meta = found
            state.restore(meta["step"], tensors)

        def on_step(state: Tuning, loss: float) -> None:
            run.append_log({"step": state.step - 1, "loss": loss})
            progress("tune", state.step, settings.most, f"loss {loss:.4f}")
            saver.offer(lambda: (state.to_tensors(), {"step": state.step}))

        progress("tune", state.step, settings.most)
        with Saver(run, immutable=False, seconds=checkpoint_seconds) as saver:
            tune_model(task, state, on_step)
        if state.step < settings.most:
            progress("tune", state.step, state.step, "the held-out loss no longer falls")
        save_tensors(run.path("tuned.safetensors"), state.tuned())
        session.tuned_is(run)

    done = perform(planned, work, force, session.patience)
    facts: dict[str, Any] = {"steps": max((step for step, _ in losses(run)), default=settings.steps)}
    last = last_losses(run)
    if last:
        facts["loss"] = f"{sum(last) / len(last):.4f} (mean of the last {len(last)} steps)"
    return StageResult("tune", run.name, done, run.path("tuned.safetensors"), facts, planned.notes, ("vp2p invert",))
