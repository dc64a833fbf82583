"""``vp2p invert``: the way from the clip to noise, and what brings the source branch back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vp2p.schema import to_mapping
from vp2p.settings import InvertSettings
from vp2p.stages.figures import quality
from vp2p.stages.planned import Planned, find_run
from vp2p.stages.result import Progress, StageResult, silent
from vp2p.stages.running import Checkpoint, perform
from vp2p.stages.saving import SECONDS_BETWEEN, Saver
from vp2p.stages.session import Session
from vp2p.stages.source import Frames, load_frames, source_of
from vp2p.workspace import RunFolder
from vp2p.workspace.atomic import write_json
from vp2p.workspace.identity import identity

if TYPE_CHECKING:
    from torch import Tensor

_OPTIONS_OF = {
    "null-text": ("null", "inner_steps", "null_learning_rate", "tolerance"),
    "noise": ("downsample", "seed"),
}
NO_TUNE = "vp2p tune   (or: vp2p tune --steps 0, to invert by the untuned model)"


def plan_invert(session: Session, settings: InvertSettings, tuned: Planned) -> Planned:
    """The inversion with these settings by a tune run, which need not be finished.

    Raises:
        ArtifactError: the tune run is of another model.
    """
    session.check_model(tuned)
    inputs = {
        "tune": tuned.run.identity,
        "dtype": session.model_identity["dtype"],
        "settings": _relevant(settings),
    }
    recorded = {
        "prompt": tuned.recorded["prompt"],
        "model": session.model_identity,
        "invert": to_mapping(settings),
        "compute": session.compute,
        "from": tuned.run.name,
    }
    run = tuned.workspace.run("invert", identity("invert", inputs))
    return Planned(tuned.workspace, run, recorded, {**tuned.parents, "tune": tuned.run})


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
    notes: list[str] = []

    def work(found: Checkpoint) -> None:
        from vp2p.stages.inverting import compute_inversion

        session.use_tuned(tuned.run)
        frames = load_frames(source_of(planned, session.folder))
        with Saver(run, immutable=True, seconds=checkpoint_seconds) as saver:
            rebuilt = compute_inversion(
                session, run, settings, planned.recorded["prompt"], frames, found, progress, saver
            )
        notes.extend(_show(session, run, frames, rebuilt))

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


def _relevant(settings: InvertSettings) -> dict:
    """What the result depends on: a method's own options matter to it alone."""
    values = to_mapping(settings)
    return {key: values[key] for key in ("method", "steps", "guidance", *_OPTIONS_OF.get(settings.method, ()))}


def _show(session: Session, run: RunFolder, frames: Frames, latents: Tensor) -> tuple[str, ...]:
    """Writes the reconstruction, and how near it and the VAE alone come to the clip; returns notes."""
    from vp2p.metrics.psnr import psnr
    from vp2p.models.codec import decode_latents, encode_frames
    from vp2p.video.writing import write_video

    rebuilt = decode_latents(session.model, latents)
    by_vae = decode_latents(session.model, encode_frames(session.model, frames.pixels))
    video = session.workspace.video
    audio = video if video.is_file() else None
    notes = write_video(run.path("reconstruction.mp4"), rebuilt, frames.timing, audio)
    write_json(
        run.path("quality.json"),
        {
            "psnr_vae": round(psnr(by_vae, frames.pixels), 3),
            "psnr_reconstruction": round(psnr(rebuilt, frames.pixels), 3),
        },
    )
    return notes


def _quality(run: RunFolder) -> dict[str, str]:
    found = quality(run)
    if not found:
        return {}
    return {
        "reconstruction": f"{found['psnr_reconstruction']:.2f} dB PSNR",
        "VAE alone": f"{found['psnr_vae']:.2f} dB",
    }
