"""DDIM inversion of a clip with the source prompt and no guidance (Video-P2P, section 3.2).

As a method, the source branch is denoised without guidance, and comes near to the clip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Mapping, NamedTuple

import torch
from torch import Tensor

from vp2p.method.branches import SourceBranch
from vp2p.method.inversion.protocol import InversionStep, InversionTask, Inverted, OnInversionStep, Room
from vp2p.method.schedule import Schedule, ddim_move, no_progress
from vp2p.settings import InvertSettings

if TYPE_CHECKING:
    from vp2p.t2s.inflation import TextToSetModel

OPTIONS: tuple[str, ...] = ()


def invert(task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Inverted:
    """See :class:`vp2p.method.inversion.protocol.InversionMethod`."""
    steps = task.schedule.steps
    trajectory = invert_clip(task, found, on_step)
    done = iter(range(1, steps + 1))
    reconstruction = ddim_reconstruct(
        task.model,
        task.schedule,
        trajectory[-1:].to(task.cond.device),
        task.cond,
        lambda _: on_step(InversionStep("reconstruct", next(done), steps, {"trajectory": trajectory}, steps)),
    )
    return Inverted(trajectory, {}, reconstruction)


def source(inverted: Inverted, settings: InvertSettings) -> SourceBranch:
    """Without guidance."""
    return SourceBranch()


def unconditional(inverted: Inverted) -> None:
    """None were optimised."""


def invert_clip(task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Tensor:
    """The trajectory (T+1, F, c, h, w) of a task, or the rest of one that was found."""
    trajectory = found.get("trajectory")
    if trajectory is None:
        trajectory = task.encode(task.pixels)[None]

    def told(trajectory: Tensor) -> None:
        done = len(trajectory) - 1
        on_step(InversionStep("invert", done, task.schedule.steps, {"trajectory": trajectory}, done))

    if task.room is not None:  # its windows are told of, too, from the first step on
        told(trajectory)
    whole = trajectory.new_empty if task.room is None else task.room
    return _filled(_Way(task.model, task.schedule, task.cond), trajectory, whole, told)


def ddim_invert(
    model: TextToSetModel,
    schedule: Schedule,
    trajectory: Tensor,
    cond: Tensor,
    on_step: Callable[[Tensor], None] = no_progress,
) -> Tensor:
    """The latents from the clip to noise.

    Args:
        trajectory: (k+1, F, c, h, w), index 0 the clip's latents; k > 0 continues an interrupted run.
        cond: (1, L, width), the source prompt's embedding.
        on_step: called with the trajectory so far after each step.

    Returns:
        (T+1, F, c, h, w) float32; index T is ``x_T``.
    """
    return _filled(_Way(model, schedule, cond), trajectory, trajectory.new_empty, on_step)


class _Way(NamedTuple):
    model: TextToSetModel
    schedule: Schedule
    cond: Tensor


@torch.no_grad()
def _filled(way: _Way, trajectory: Tensor, room: Room, on_step: Callable[[Tensor], None]) -> Tensor:
    """The whole of a trajectory, in the ``room`` that there is for it."""
    model, schedule, cond = way
    whole = room((schedule.steps + 1, *trajectory.shape[1:]))
    whole[: len(trajectory)] = trajectory
    for index in range(trajectory.shape[0], schedule.steps + 1):
        # The first one as it lies in memory: how its numbers are rounded depends on it.
        x = (trajectory[-1:] if index == len(trajectory) else whole[index - 1 : index]).to(cond.device)
        # The noise at the next, noisier timestep stands for the unknown one of this step; a
        # velocity is read at that timestep's alpha too, or the step would not reverse.
        eps = schedule.noise(model(x, schedule.timestep(index), cond), x, index)
        whole[index : index + 1] = ddim_move(x, eps, schedule.alphas[index - 1], schedule.alphas[index])
        on_step(whole[: index + 1])
    return whole


@torch.no_grad()
def ddim_reconstruct(
    model: TextToSetModel,
    schedule: Schedule,
    x_T: Tensor,
    cond: Tensor,
    on_step: Callable[[Tensor], None] = no_progress,
) -> Tensor:
    """The source branch without guidance, from noise back to the clip.

    Args:
        x_T: (1, F, c, h, w).
        cond: (1, L, width).

    Returns:
        (F, c, h, w).
    """
    x = x_T
    for index in range(schedule.steps, 0, -1):
        x = schedule.denoise(model(x, schedule.timestep(index), cond), x, index)
        on_step(x)
    return x[0]
