"""The work of ``vp2p invert``: the trajectory, then what its method needs to come back (section 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.method.inversion.ddim import ddim_invert, ddim_reconstruct
from vp2p.method.inversion.noise import noised, reduce_and_enlarge
from vp2p.method.inversion.null_text import NullTextState, optimise_null_text
from vp2p.method.schedule import Schedule, generator
from vp2p.models.codec import encode_frames
from vp2p.settings import InvertSettings
from vp2p.stages.result import Progress
from vp2p.stages.running import Checkpoint
from vp2p.stages.saving import Saver
from vp2p.stages.session import Session
from vp2p.stages.source import Frames
from vp2p.workspace import RunFolder, save_tensors


def compute_inversion(
    session: Session,
    run: RunFolder,
    settings: InvertSettings,
    prompt: str,
    frames: Frames,
    found: Checkpoint,
    progress: Progress,
    saver: Saver,
) -> Tensor:
    """Computes and keeps the trajectory and the null embeddings, from a checkpoint on if there is one.

    Returns:
        The source branch's last latents, (F, c, h, w).
    """
    model, schedule = session.t2s, Schedule.of(session.model.scheduler, settings.steps)
    cond, uncond = session.embed(prompt), session.embed("")
    kept = {name: tensor.to(session.model.device) for name, tensor in found[0].items()} if found else {}
    trajectory = kept.get("trajectory")
    if trajectory is None:
        trajectory = encode_frames(session.model, frames.pixels)[None]
    if settings.method == "noise":
        reduced = encode_frames(session.model, reduce_and_enlarge(frames.pixels, settings.downsample))
        trajectory = noised(schedule, trajectory[0], reduced, generator(settings.seed))

    def on_inverted(trajectory: Tensor) -> None:
        done = len(trajectory) - 1
        progress("invert", done, schedule.steps)
        saver.offer(lambda: ({"trajectory": trajectory}, {"step": done}))

    trajectory = ddim_invert(model, schedule, trajectory, cond, on_inverted)
    timesteps = torch.tensor(schedule.timesteps)
    save_tensors(run.path("trajectory.safetensors"), {"trajectory": trajectory, "timesteps": timesteps})
    if settings.method in ("direct", "noise"):
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
