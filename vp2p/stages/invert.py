"""``vp2p invert``: the way from the clip to noise, and what brings the source branch back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vp2p.settings import InvertSettings, to_mapping
from vp2p.stages.result import Progress, StageResult, silent
from vp2p.stages.running import Checkpoint, perform
from vp2p.stages.saving import SECONDS_BETWEEN, Saver
from vp2p.stages.session import Session
from vp2p.stages.source import Frames, load_frames, missing_parent, source_of
from vp2p.workspace import RunFolder, Workspace, save_tensors
from vp2p.workspace.atomic import write_json
from vp2p.workspace.identity import identity

if TYPE_CHECKING:
    from torch import Tensor


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
    workspace = session.workspace
    tuned = find_run(workspace, "tune", parent, "vp2p tune   (or: vp2p tune --steps 0, to invert by the untuned model)")
    session.check_model(tuned)
    recorded = tuned.manifest()
    prompt, source = recorded["settings"]["prompt"], recorded["parents"]["source"]
    resolved = to_mapping(settings)
    run = workspace.run(
        "invert",
        identity(
            "invert",
            {"tune": tuned.identity, "dtype": session.model_identity["dtype"], "settings": _relevant(settings)},
        ),
    )

    def work(found: Checkpoint) -> None:
        session.use_tuned(tuned)
        frames = load_frames(source_of(workspace, session.folder, source))
        with Saver(run, immutable=True, seconds=checkpoint_seconds) as saver:
            reconstruction = _invert(session, run, settings, prompt, frames, found, progress, saver)
        notes.extend(_show(session, workspace, run, frames, reconstruction))

    notes: list[str] = []
    parents = {"source": source, "tune": tuned.name}
    settings_ = {"prompt": prompt, "model": session.model_identity, "invert": resolved}
    settings_ |= {"compute": session.compute, "from": tuned.name}
    done = perform(run, settings_, parents, work, force)
    return StageResult(
        "invert",
        run.name,
        done,
        run.path("reconstruction.mp4"),
        {"method": settings.method, **_quality(run)},
        tuple(notes),
        next=("vp2p edit --swap OLD=NEW", 'vp2p edit --prompt "…"'),
    )


def find_run(workspace: Workspace, stage: str, name: str | None, command: str) -> RunFolder:
    """The named run of a stage, or the newest finished one.

    Raises:
        ArtifactError: there is none, or the named one is unfinished; ``command`` is the hint.
    """
    run = workspace.newest(stage) if name is None else workspace.by_name(stage, name)
    if run is None or not run.finished:
        raise missing_parent(stage, command)
    return run


def _relevant(settings: InvertSettings) -> dict:
    """What the result depends on: null-text's options matter to null-text alone."""
    values = to_mapping(settings)
    if settings.method == "null-text":
        return values
    return {key: values[key] for key in ("method", "steps", "guidance")}


def _invert(
    session: Session,
    run: RunFolder,
    settings: InvertSettings,
    prompt: str,
    frames: Frames,
    found: Checkpoint,
    progress: Progress,
    saver: Saver,
) -> Tensor:
    """Computes and keeps the trajectory and the null embeddings; returns the source branch's last latents."""
    import torch

    from vp2p.method.inversion import ddim_invert, ddim_reconstruct
    from vp2p.method.null_text import NullTextState, optimise_null_text
    from vp2p.method.schedule import Schedule
    from vp2p.models.codec import encode_frames

    model, schedule = session.t2s, Schedule.of(session.model.scheduler, settings.steps)
    cond, uncond = session.embed(prompt), session.embed("")
    kept = {name: tensor.to(session.model.device) for name, tensor in found[0].items()} if found else {}
    trajectory = kept.get("trajectory")
    if trajectory is None:
        trajectory = encode_frames(session.model, frames.pixels)[None]

    def on_inverted(trajectory: Tensor) -> None:
        done = len(trajectory) - 1
        progress("invert", done, schedule.steps)
        saver.offer(lambda: ({"trajectory": trajectory}, {"step": done}))

    trajectory = ddim_invert(model, schedule, trajectory, cond, on_inverted)
    timesteps = torch.tensor(schedule.timesteps)
    save_tensors(run.path("trajectory.safetensors"), {"trajectory": trajectory, "timesteps": timesteps})
    if settings.method == "direct":
        return trajectory[0]
    if settings.method == "ddim":
        steps_back = iter(range(1, schedule.steps + 1))
        return ddim_reconstruct(
            model, schedule, trajectory[-1:], cond, lambda _: progress("reconstruct", next(steps_back), schedule.steps)
        )

    state = NullTextState.start(trajectory, uncond, settings)
    if "embeddings" in kept:
        state = NullTextState(kept["embeddings"], kept["source"])

    def on_optimised(state: NullTextState, losses: list[float]) -> None:
        step = schedule.steps + state.step - 1
        run.append_log({"step": step, "timestep": schedule.timesteps[state.step - 1], "losses": losses})
        progress("null-text", state.step, schedule.steps, f"error {losses[-1]:.2g}")
        tensors = {"trajectory": trajectory, "embeddings": state.embeddings, "source": state.source}
        saver.offer(lambda: (tensors, {"step": step + 1}))

    progress("null-text", state.step, schedule.steps)
    state = optimise_null_text(model, schedule, trajectory, cond, uncond, settings, state, on_optimised)
    by_index = state.source.flip(0)
    save_tensors(run.path("null.safetensors"), {"embeddings": state.embeddings, "source": by_index})
    return by_index[0]


def _show(session: Session, workspace: Workspace, run: RunFolder, frames: Frames, latents: Tensor) -> tuple[str, ...]:
    """Writes the reconstruction, and how near it and the VAE alone come to the clip; returns notes."""
    from vp2p.models.codec import decode_latents, encode_frames
    from vp2p.video.quality import psnr
    from vp2p.video.writing import write_video

    rebuilt = decode_latents(session.model, latents)
    by_vae = decode_latents(session.model, encode_frames(session.model, frames.pixels))
    audio = workspace.video if workspace.video.is_file() else None
    notes = write_video(run.path("reconstruction.mp4"), rebuilt, frames.rate, audio, (frames.start, frames.end))
    write_json(
        run.path("quality.json"),
        {
            "psnr_vae": round(psnr(by_vae, frames.pixels), 3),
            "psnr_reconstruction": round(psnr(rebuilt, frames.pixels), 3),
        },
    )
    return notes


def _quality(run: RunFolder) -> dict[str, str]:
    import json

    try:
        found = json.loads(run.path("quality.json").read_bytes())
        return {
            "reconstruction": f"{found['psnr_reconstruction']:.2f} dB PSNR",
            "VAE alone": f"{found['psnr_vae']:.2f} dB",
        }
    except (OSError, ValueError, KeyError):
        return {}
