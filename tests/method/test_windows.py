"""Long clips in windows: what the model sees at once, and how the windows' answers become one."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from tests.method.conftest import Small
from vp2p.method.attention.collect import MapQuery, Trajectory, collect_maps
from vp2p.method.schedule import Schedule
from vp2p.method.tuning import Tuning, TuningTask, _HeldOut, tune
from vp2p.settings import TuneSettings
from vp2p.t2s.windows import windows


@pytest.fixture
def long(sd1_folder) -> Small:
    return Small(sd1_folder, frames=12)


@pytest.fixture
def seen(long, monkeypatch) -> list[int]:
    """How many frames the UNet got, pass by pass."""
    passes: list[int] = []
    whole = long.model._pass
    monkeypatch.setattr(long.model, "_pass", lambda x, *more: (passes.append(x.shape[1]), whole(x, *more))[1])
    return passes


@pytest.mark.parametrize("count, most", [(25, 24), (240, 24), (1000, 24), (12, 5), (9, 4), (7, 6)])
def test_weights_sum_to_one_and_windows_are_of_one_size(count, most):
    found = windows(count, most)
    total = torch.zeros(count, dtype=torch.float64)
    for window in found:
        assert window.frames[0] == 0 and len(window.frames) == most
        assert list(window.frames[1:]) == list(range(window.frames[1], window.frames[1] + most - 1))
        total[list(window.frames)] += torch.tensor(window.weights, dtype=torch.float64)
    assert torch.allclose(total, torch.ones_like(total))
    assert sum(window.share for window in found) == pytest.approx(1)


def test_windows_overlap_and_cost_at_most_a_fifth_more():
    found = windows(240, 24)
    for before, after in zip(found, found[1:]):
        assert len(set(before.frames[1:]) & set(after.frames[1:])) >= 3
    assert sum(len(window.frames) for window in found) <= 1.2 * 240


def test_a_clip_of_one_window_passes_as_ever(long, seen):
    text = long.embed("a cat")
    whole = long.model(long.latents, 500, text)
    long.model.window_frames = 12
    assert torch.equal(long.model(long.latents, 500, text), whole)
    assert seen == [12, 12]


@torch.no_grad()
def test_frames_of_one_window_are_as_that_window_predicts_them(long, seen):
    long.model.window_frames = 5
    text, parts = long.embed("a cat"), windows(12, 5)
    found = long.model(long.latents, 500, text)
    assert set(seen) == {5} and len(seen) == len(parts)
    for window in parts:
        own = long.model._pass(window.of(long.latents), torch.tensor([500]), text, None)
        for place, (frame, weight) in enumerate(zip(window.frames, window.weights)):
            if weight == 1:
                assert torch.equal(found[0, frame], own[0, place])


def test_gradients_through_windows_are_those_of_their_average(long):
    long.model.window_frames = 5
    text = long.embed("a cat").requires_grad_()
    (mine,) = torch.autograd.grad(long.model(long.latents, 500, text).square().mean(), [text])
    total = sum(
        window.among_all(long.model._pass(window.of(long.latents), torch.tensor([500]), text, None))
        for window in windows(12, 5)
    )
    (plain,) = torch.autograd.grad(total.square().mean(), [text])
    assert torch.allclose(mine, plain, rtol=1e-4, atol=1e-9)


def test_maps_of_all_frames_are_put_together(long):
    schedule = Schedule.of(long.latent.scheduler, 2)
    clip = Trajectory(schedule, torch.cat([long.latents] * 3), long.embed("a cat"))
    size = (16, 16)
    long.model.window_frames = 5
    maps = collect_maps(long.model, clip, MapQuery([(2,)], [size], range(2)))[size]
    assert maps.shape == (1, 12, *size) and bool((maps.amax((2, 3)) > 0).all())
    # The first frame's attention to the text knows of no other frame in the first layer alone; sizes must agree.
    long.model.window_frames = 12
    whole = collect_maps(long.model, clip, MapQuery([(2,)], [size], range(2)))[size]
    assert torch.allclose(maps.mean((2, 3)), whole.mean((2, 3)), rtol=0.2)


def test_tuning_sees_one_window_a_step_and_the_same_ones_again(long, seen):
    long.model.window_frames = 5
    settings = dataclasses.replace(TuneSettings(), steps=3)
    task = TuningTask(long.model, long.latent.scheduler, long.latents, long.embed("a cat"), settings)
    start = {name: one.detach().clone() for name, one in long.model.tuned_parameters().items()}
    losses: list[float] = []
    tune(task, Tuning.start(long.model, settings), lambda _, loss: losses.append(loss))
    assert set(seen) == {5}

    long.model.load_tuned(start)  # stopped after the first step, and taken up again
    kept: list[dict] = []
    one = dataclasses.replace(task, settings=dataclasses.replace(settings, steps=1))
    tune(one, Tuning.start(long.model, settings), lambda state, _: kept.append(dict(state.to_tensors())))
    state = Tuning.start(long.model, settings)
    state.restore(1, {name: tensor.clone() for name, tensor in kept[0].items()})
    again: list[float] = []
    tune(task, state, lambda _, loss: again.append(loss))
    assert again == losses[1:]


def test_the_held_out_loss_sees_windows_too(long, seen):
    long.model.window_frames = 5
    task = TuningTask(long.model, long.latent.scheduler, long.latents, long.embed("a cat"), TuneSettings())
    _HeldOut(task).loss()
    assert seen == [5] * 4
