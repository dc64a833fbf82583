"""``vp2p invert``: the way from the clip to noise, and what brings the source branch back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from vp2p.pipeline.described import Described
from vp2p.pipeline.unread import given, unread_by_invert, without_effect
from vp2p.progress import Progress, silent
from vp2p.schema import to_mapping
from vp2p.settings import InvertSettings
from vp2p.stages.figures import quality
from vp2p.stages.kept import keep_inversion
from vp2p.stages.planned import Planned, find_run
from vp2p.stages.result import StageResult
from vp2p.stages.running import Checkpoint, perform
from vp2p.stages.saving import SECONDS_BETWEEN, Saver
from vp2p.stages.scratch import on_disk
from vp2p.stages.session import Session
from vp2p.stages.source import load_frames, source_of
from vp2p.stages.windows import in_windows
from vp2p.workspace import RunFolder
from vp2p.workspace.atomic import write_json
from vp2p.workspace.identity import identity

if TYPE_CHECKING:
    from vp2p.method.inversion.protocol import InversionStep
    from vp2p.pipeline.inversion import Inversion

NO_TUNE = "vp2p tune   (or: vp2p tune --steps 0, to invert by the untuned model)"


def plan_invert(session: Session, settings: InvertSettings, tuned: Planned) -> Planned:
    """The inversion with these settings by a tune run, which need not be finished.

    Raises:
        ArtifactError: the tune run is of another model.
    """
    session.check_model(tuned)
    windows = in_windows(session, tuned.parents.get("source"), tuned)
    inputs = {
        "tune": tuned.run.identity,
        "dtype": session.model_identity["dtype"],
        "settings": _relevant(settings),
        **windows,
    }
    recorded = {
        "prompt": tuned.recorded["prompt"],
        "model": session.model_identity | windows,
        "invert": to_mapping(settings),
        "compute": session.compute,
        "from": tuned.run.name,
    }
    run = tuned.workspace.run("invert", identity("invert", inputs))
    idle = without_effect(given(settings, session.usual("invert")), unread_by_invert(settings))
    return Planned(tuned.workspace, run, recorded, {**tuned.parents, "tune": tuned.run}, notes=idle)


def invert(
    session: Session,
    settings: InvertSettings,
    parent: str | None = None,
    force: bool = False,
    progress: Progress = silent,
    checkpoint_seconds: float = SECONDS_BETWEEN,
) -> StageResult:
    """Inverts the clip by the newest tune run, or the one that ``parent`` names.

    Raises:
        ArtifactError: there is no tune run yet.
        Vp2pError: see the workspace and the model.
        Interrupted: a signal came; the checkpoint is saved.
    """
    tuned = find_run(session.workspace, "tune", parent, NO_TUNE)
    planned = plan_invert(session, settings, tuned)
    run = planned.run
    notes = [*planned.notes]

    def work(found: Checkpoint) -> None:
        session.use_tuned(tuned.run)  # with the model the libraries come, which the following need
        from vp2p.method.inversion.protocol import Kept
        from vp2p.pipeline.invert import invert as invert_clip

        clip = load_frames(source_of(planned, session.folder), session.workspace.video)

        def on_step(step: InversionStep) -> None:
            progress(step.phase, step.done, step.total, step.metric)
            if step.log:
                run.append_log(step.log)
            saver.offer(lambda: (step.state, {"step": step.step}))

        kept = Kept(found[0] if found else {}, partial(on_disk, run.folder))
        with Saver(run, immutable=True, seconds=checkpoint_seconds) as saver:
            described = Described(clip, planned.recorded["prompt"])
            inversion = invert_clip(session.model, described, settings, on_step, kept)
            keep_inversion(run, inversion, session.model)
        notes.extend(_show(session, run, inversion))

    done = perform(planned, work, force, session.patience)
    return StageResult(
        "invert",
        run.name,
        done,
        run.path("reconstruction.mp4"),
        {"method": settings.method, **_quality(run)},
        tuple(notes),
        next=("vp2p edit --swap OLD=NEW", 'vp2p edit --prompt "…"'),
    )


def _relevant(settings: InvertSettings) -> dict[str, Any]:
    """What the result depends on: a method's own options matter to it alone."""
    from vp2p.method.inversion.methods import METHODS

    values = to_mapping(settings)
    return {key: values[key] for key in ("method", "steps", "guidance", *METHODS[settings.method].OPTIONS)}


def _show(session: Session, run: RunFolder, inversion: Inversion) -> tuple[str, ...]:
    """Writes the reconstruction, and how near it and the VAE alone come to the clip; returns notes."""
    from vp2p.metrics.psnr import psnr
    from vp2p.video.writing import write_video

    clip, model = inversion.clip, session.model
    latents = inversion.inverted.reconstruction
    assert latents is not None, "an inversion that was just made knows its reconstruction"
    reconstruction = model.decode(latents)
    by_vae = model.decode(model.encode(clip.pixels))
    notes = write_video(run.path("reconstruction.mp4"), reconstruction, clip.timing, clip.sound)
    found = {"psnr_vae": psnr(by_vae, clip.pixels), "psnr_reconstruction": psnr(reconstruction, clip.pixels)}
    write_json(run.path("quality.json"), {name: round(value, 3) for name, value in found.items() if value is not None})
    return notes


def _quality(run: RunFolder) -> dict[str, str]:
    found = quality(run)
    if not found:
        return {}
    return {
        "reconstruction": f"{found['psnr_reconstruction']:.2f} dB PSNR",
        "VAE alone": f"{found['psnr_vae']:.2f} dB",
    }
