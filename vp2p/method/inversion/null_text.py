"""Null-text optimisation with one embedding shared by all frames (Video-P2P, section 3.2, equation 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from vp2p.method.branches import SourceBranch
from vp2p.method.inversion.ddim import invert_clip
from vp2p.method.inversion.protocol import InversionStep, InversionTask, Inverted, OnInversionStep
from vp2p.method.schedule import guide, no_progress
from vp2p.settings import InvertSettings
from vp2p.t2s.graphs import Passes, recorded

OPTIONS: tuple[str, ...] = ("null", "inner_steps", "null_learning_rate", "tolerance")


def invert(task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Inverted:
    """See :class:`vp2p.method.inversion.protocol.InversionMethod`."""
    steps = task.schedule.steps
    trajectory = invert_clip(task, found, on_step)
    state = NullTextState.start(trajectory, task.uncond, task.settings)
    if "embeddings" in found:
        state = NullTextState(found["embeddings"], found["source"])

    def told(state: NullTextState, losses: list[float]) -> None:
        log: dict[str, Any] = {}
        metric = ""
        if losses:
            timestep = task.schedule.timesteps[state.step - 1]
            log = {"step": steps + state.step - 1, "timestep": timestep, "losses": losses}
            metric = f"error {losses[-1]:.2g}"
        tensors = {"trajectory": trajectory, "embeddings": state.embeddings, "source": state.source}
        on_step(InversionStep("null-text", state.step, steps, tensors, steps + state.step, metric, log or None))

    told(state, [])
    state = optimise_null_text(task, trajectory, state, told)
    by_index = state.source.flip(0)
    return Inverted(trajectory, {"embeddings": state.embeddings, "source": by_index}, by_index[0])


def source(inverted: Inverted, settings: InvertSettings) -> SourceBranch:
    """The latents that the guided source branch passed while the embeddings were optimised."""
    return SourceBranch(recorded=inverted.extra["source"])


def unconditional(inverted: Inverted) -> Tensor:
    """The optimised embeddings, in the order of the timesteps."""
    return inverted.extra["embeddings"]


@dataclass(frozen=True)
class NullTextState:
    """What is known after k of T steps; a run goes on from any of them.

    ``embeddings`` is (k, L, width), or (k, F, L, width) with one for each frame, in the order of
    the timesteps. ``source`` is (k+1, F, c, h, w), the guided source branch from ``x_T`` down.
    """

    embeddings: Tensor
    source: Tensor

    @property
    def step(self) -> int:
        return self.embeddings.shape[0]

    @classmethod
    def start(cls, trajectory: Tensor, uncond: Tensor, settings: InvertSettings) -> NullTextState:
        """The state before the first step, from a trajectory (T+1, F, c, h, w) and the empty prompt (1, L, width)."""
        frames = (trajectory.shape[1],) if settings.null == "per-frame" else ()
        return cls(uncond.new_zeros(0, *frames, *uncond.shape[1:]), trajectory[-1:].to(uncond.device))


def optimise_null_text(
    task: InversionTask,
    trajectory: Tensor,
    state: NullTextState,
    on_step: Callable[[NullTextState, list[float]], None] = no_progress,
) -> NullTextState:
    """Finds unconditional embeddings with which guided denoising returns along the trajectory.

    At step i: Adam at rate ``null_learning_rate``·(1 − i/100), until the squared error to the stored
    latents is below ``tolerance`` + 2e-5·i or ``inner_steps`` updates are made. A loss that is
    already below needs no update, and its prediction serves the step itself.

    Args:
        trajectory: (T+1, F, c, h, w) from :func:`vp2p.method.inversion.ddim.ddim_invert`.
        state: :meth:`NullTextState.start`, or a later state to go on from.
        on_step: called after each step with the state and that step's losses, one for each evaluation.

    Returns:
        The state after all T steps.
    """
    settings, steps = task.settings, task.schedule.steps
    with recorded(task.model) as passes:
        for i in range(state.step, steps):
            embedding = state.embeddings[-1] if i else task.uncond[0].expand(state.embeddings.shape[1:])
            guided = _GuidedStep(task, passes, steps - i, state.source[-1:])
            target = trajectory[guided.index - 1 : guided.index].to(task.uncond.device)
            goal = _Goal(
                target,
                rate=settings.null_learning_rate * max(1 - i / 100, 0.01),
                enough=settings.tolerance + 2e-5 * i,
                updates=settings.inner_steps,
            )
            embedding, moved, losses = _optimise(guided, embedding, goal)
            state = NullTextState(torch.cat([state.embeddings, embedding[None]]), torch.cat([state.source, moved]))
            on_step(state, losses)
    return state


class _GuidedStep:
    """One guided denoising step as a function of the unconditional embedding; the rest is computed once."""

    def __init__(self, task: InversionTask, passes: Passes, index: int, x: Tensor) -> None:
        self.passes, self.schedule, self.index, self.x = passes, task.schedule, index, x
        self.guidance = task.settings.guidance
        self.timestep = torch.full((1,), self.schedule.timestep(index), device=x.device)
        with torch.no_grad():
            self.eps_cond = task.model(x, self.timestep, task.cond)

    def __call__(self, embedding: Tensor) -> Tensor:
        eps_uncond = self.passes(self.x, self.timestep, embedding[None])
        return self.schedule.denoise(guide(eps_uncond, self.eps_cond, self.guidance), self.x, self.index)


@dataclass(frozen=True)
class _Goal:
    """Where a step should lead: latents (1, F, c, h, w), by Adam's ``rate``, until the error is ``enough``."""

    target: Tensor
    rate: float
    enough: float
    updates: int


def _optimise(guided: _GuidedStep, embedding: Tensor, goal: _Goal) -> tuple[Tensor, Tensor, list[float]]:
    """One step's embedding, the latents that it leads to, and the losses on the way."""
    embedding = embedding.detach().clone().requires_grad_()
    adam = torch.optim.Adam([embedding], lr=goal.rate)
    losses: list[float] = []
    for _ in range(goal.updates):
        attempt = guided(embedding)
        loss = mse_loss(attempt, goal.target)
        losses.append(loss.item())
        if losses[-1] < goal.enough:
            return embedding.detach(), attempt.detach(), losses
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        return embedding.detach(), guided(embedding), losses
