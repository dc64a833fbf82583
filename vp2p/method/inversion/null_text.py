"""Null-text optimisation with one embedding shared by all frames (Video-P2P, section 3.2, equation 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from vp2p.method.schedule import Schedule, guide, no_progress
from vp2p.settings import InvertSettings
from vp2p.t2s import TextToSetModel


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
        return cls(uncond.new_zeros(0, *frames, *uncond.shape[1:]), trajectory[-1:])


def optimise_null_text(
    model: TextToSetModel,
    schedule: Schedule,
    trajectory: Tensor,
    cond: Tensor,
    uncond: Tensor,
    settings: InvertSettings,
    state: NullTextState,
    on_step: Callable[[NullTextState, list[float]], None] = no_progress,
) -> NullTextState:
    """Finds unconditional embeddings with which guided denoising returns along the trajectory.

    At step i: Adam at rate ``null_learning_rate``·(1 − i/100), until the squared error to the stored
    latents is below ``tolerance`` + 2e-5·i or ``inner_steps`` updates are made. A loss that is
    already below needs no update, and its prediction serves the step itself.

    Args:
        trajectory: (T+1, F, c, h, w) from :func:`vp2p.method.inversion.ddim.ddim_invert`.
        cond, uncond: (1, L, width), the source prompt's and the empty prompt's embeddings.
        state: :meth:`NullTextState.start`, or a later state to go on from.
        on_step: called after each step with the state and that step's losses, one for each evaluation.

    Returns:
        The state after all T steps.
    """
    for i in range(state.step, schedule.steps):
        embedding = state.embeddings[-1] if i else uncond[0].expand(state.embeddings.shape[1:])
        guided = _GuidedStep(model, schedule, schedule.steps - i, state.source[-1:], cond, settings.guidance)
        target = trajectory[guided.index - 1 : guided.index]
        rate = settings.null_learning_rate * max(1 - i / 100, 0.01)
        embedding, moved, losses = _optimise(
            guided, embedding, target, rate, settings.tolerance + 2e-5 * i, settings.inner_steps
        )
        state = NullTextState(torch.cat([state.embeddings, embedding[None]]), torch.cat([state.source, moved]))
        on_step(state, losses)
    return state


class _GuidedStep:
    """One guided denoising step as a function of the unconditional embedding; the rest is computed once."""

    def __init__(
        self, model: TextToSetModel, schedule: Schedule, index: int, x: Tensor, cond: Tensor, guidance: float
    ) -> None:
        self.model, self.schedule, self.index, self.x, self.guidance = model, schedule, index, x, guidance
        with torch.no_grad():
            self.eps_cond = model(x, schedule.timestep(index), cond)

    def __call__(self, embedding: Tensor) -> Tensor:
        eps_uncond = self.model(self.x, self.schedule.timestep(self.index), embedding[None])
        return self.schedule.denoise(guide(eps_uncond, self.eps_cond, self.guidance), self.x, self.index)


def _optimise(
    guided: _GuidedStep, embedding: Tensor, target: Tensor, rate: float, enough: float, updates: int
) -> tuple[Tensor, Tensor, list[float]]:
    """One step's embedding, the latents that it leads to, and the losses on the way."""
    embedding = embedding.detach().clone().requires_grad_()
    adam = torch.optim.Adam([embedding], lr=rate)
    losses: list[float] = []
    for _ in range(updates):
        attempt = guided(embedding)
        loss = mse_loss(attempt, target)
        losses.append(loss.item())
        if losses[-1] < enough:
            return embedding.detach(), attempt.detach(), losses
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        return embedding.detach(), guided(embedding), losses
