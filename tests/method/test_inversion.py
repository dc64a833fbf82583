"""Inversion and null-text optimisation on tiny models."""

from __future__ import annotations

import pytest
import torch

from tests.method.conftest import latents_task
from vp2p.method.inversion.ddim import ddim_invert, ddim_reconstruct
from vp2p.method.inversion.null_text import NullTextState, optimise_null_text
from vp2p.method.schedule import Schedule
from vp2p.settings import InvertSettings


@pytest.fixture
def inverted(small):
    schedule = Schedule.of(small.latent.scheduler, 4)
    cond, uncond = small.embed("a cat"), small.embed("")
    trajectory = ddim_invert(small.model, schedule, small.latents, cond)
    return small, schedule, trajectory, cond, uncond


def optimise(inverted, settings, state=None):
    small, schedule, trajectory, cond, uncond = inverted
    states = []
    state = state or NullTextState.start(trajectory, uncond, settings)
    record = lambda state, losses: states.append((state, losses))  # noqa: E731
    optimise_null_text(latents_task(small.model, schedule, settings, cond, uncond), trajectory, state, record)
    return states


def test_an_interrupted_inversion_goes_on(inverted):
    small, schedule, trajectory, cond, _ = inverted
    resumed = ddim_invert(small.model, schedule, trajectory[:3], cond)
    assert torch.equal(resumed, trajectory)


def test_reconstruction_comes_back_near_the_clip(inverted):
    small, schedule, trajectory, cond, _ = inverted
    back = ddim_reconstruct(small.model, schedule, trajectory[-1:], cond)
    assert (back - trajectory[0]).abs().mean() < (trajectory[-1] - trajectory[0]).abs().mean()


@pytest.mark.parametrize("null", ["shared", "per-frame"])
def test_null_text_comes_nearer_than_the_empty_prompt(inverted, null):
    trajectory = inverted[2]
    frames, (length, width) = trajectory.shape[1], inverted[4].shape[1:]
    states = optimise(
        inverted, InvertSettings(steps=4, null=null, null_learning_rate=0.05, inner_steps=4, tolerance=0.0)
    )
    final = states[-1][0]
    assert final.embeddings.shape == ((4, length, width) if null == "shared" else (4, frames, length, width))
    assert final.source.shape == trajectory.shape
    assert all(losses[-1] < losses[0] for _, losses in states)
    none = optimise(inverted, InvertSettings(steps=4, null=null, tolerance=1e9))[-1][0]
    error = lambda state: (state.source[-1] - trajectory[0]).square().mean()  # noqa: E731
    assert error(final) < error(none)


def test_a_loss_below_the_tolerance_needs_no_update(inverted):
    uncond = inverted[4]
    states = optimise(inverted, InvertSettings(steps=4, tolerance=1e9))
    assert all(len(losses) == 1 for _, losses in states)
    assert torch.equal(states[-1][0].embeddings, uncond.expand(4, -1, -1))


def test_an_interrupted_optimisation_goes_on(inverted):
    settings = InvertSettings(method="null-text", steps=4, inner_steps=2)
    states = optimise(inverted, settings)
    resumed = optimise(inverted, settings, states[1][0])
    assert torch.equal(resumed[-1][0].embeddings, states[-1][0].embeddings)
    assert torch.equal(resumed[-1][0].source, states[-1][0].source)
