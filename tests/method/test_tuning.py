"""Tuning: what moves, what is saved, and that a resumed run is the unbroken one."""

from __future__ import annotations

import pytest
import torch

from tests.method.conftest import Small
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.settings import TuneSettings


def run(small: Small, settings: TuneSettings, state: Tuning | None = None, until: int | None = None) -> Tuning:
    state = state or Tuning.start(small.model, settings)
    steps = settings.steps if until is None else until
    settings = TuneSettings(**{**settings.__dict__, "steps": steps})
    return tune(TuningTask(small.model, small.latent.scheduler, small.latents, small.embed("a cat"), settings), state)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("kind", ["sd1", "sd2"])
def test_every_trained_tensor_moves_and_no_other(request, kind, checkpointing):
    small = Small(request.getfixturevalue(f"{kind}_folder"))
    before = {name: tensor.clone() for name, tensor in small.model.unet.state_dict().items()}
    state = run(small, TuneSettings(steps=2, learning_rate=1e-3, gradient_checkpointing=checkpointing))
    after = small.model.unet.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(state.weights)
    parts = {name.split("transformer_blocks.0.")[1].split(".")[0] for name in moved}
    assert parts == {"attn1", "attn2", "attn_temp"}
    assert any(name.startswith("down_blocks.0") for name in moved)
    assert not any(parameter.requires_grad for parameter in small.model.parameters())


@pytest.mark.parametrize(("dtype", "shared"), [(torch.float32, True), (torch.bfloat16, False)])
def test_weights_are_held_once_where_the_model_is_in_float32(sd1, dtype, shared):
    sd1.model.unet.to(dtype)
    state = run(sd1, TuneSettings(steps=1, learning_rate=1e-3))
    for name, used in sd1.model.tuned_parameters().items():
        weight = state.weights[name]
        assert weight.dtype == torch.float32 and (weight.data_ptr() == used.data_ptr()) == shared
        assert torch.equal(weight.to(dtype), used)


def test_the_temporal_norm_is_trained_on_request(sd1):
    state = run(sd1, TuneSettings(steps=1, train_norm_temp=True))
    assert any("norm_temp" in name for name in state.weights)


def test_checkpointing_changes_nothing_but_rounding(sd1_folder):
    plain, saving = (
        run(Small(sd1_folder), TuneSettings(steps=2, learning_rate=1e-3, gradient_checkpointing=flag)).tuned()
        for flag in (False, True)
    )
    for name, tensor in plain.items():
        assert (tensor - saving[name]).abs().max() < 1e-5, name


def test_a_resumed_run_is_the_unbroken_one(sd1_folder):
    settings = TuneSettings(steps=4, learning_rate=1e-3)
    unbroken = run(Small(sd1_folder), settings).tuned()
    first = run(Small(sd1_folder), settings, until=2)
    tensors = {name: tensor.clone() for name, tensor in first.to_tensors().items()}
    other = Small(sd1_folder)
    state = Tuning.start(other.model, settings)
    state.restore(2, tensors)
    resumed = run(other, settings, state).tuned()
    assert all(torch.equal(unbroken[name], resumed[name]) for name in unbroken)


def test_tuning_stops_by_itself_where_the_held_out_loss_stays(sd2):
    """With so small a rate nothing moves, so the first rounds tell that more steps are no use."""
    state = run(sd2, TuneSettings(learning_rate=1e-12))
    assert state.settled and state.step == 20 * (len(state.held_out) - 1) < 100
    assert max(state.held_out) - min(state.held_out) < 1e-4


def test_tuning_goes_on_while_the_held_out_loss_falls(sd2):
    state = Tuning.start(sd2.model, TuneSettings())
    state.held_out = [1.0]
    while not state.settled:
        state.held_out.append(state.held_out[-1] * (0.95 if len(state.held_out) < 6 else 0.999))
    assert 6 < len(state.held_out) < 9


def test_a_resumed_run_stops_where_the_unbroken_one_does(sd2_folder):
    settings = TuneSettings(learning_rate=1e-5)
    unbroken = run(Small(sd2_folder), settings)

    class Killed(Exception):
        pass

    def kill(state: Tuning, loss: float) -> None:
        if state.step == 13:
            raise Killed

    small = Small(sd2_folder)
    first = Tuning.start(small.model, settings)
    task = TuningTask(small.model, small.latent.scheduler, small.latents, small.embed("a cat"), settings)
    with pytest.raises(Killed):
        tune(task, first, kill)
    tensors = {name: tensor.clone() for name, tensor in first.to_tensors().items()}
    other = Small(sd2_folder)
    state = Tuning.start(other.model, settings)
    state.restore(13, tensors)
    resumed = run(other, settings, state)
    assert (resumed.step, resumed.held_out) == (unbroken.step, unbroken.held_out)
    assert all(torch.equal(tensor, unbroken.tuned()[name]) for name, tensor in resumed.tuned().items())


def test_the_loss_falls_on_fixed_noise(sd2):
    settings = TuneSettings(steps=30, learning_rate=3e-3)
    noise = torch.randn(sd2.latents.shape, generator=torch.Generator().manual_seed(5))
    losses = []
    tune(
        TuningTask(sd2.model, sd2.latent.scheduler, sd2.latents, sd2.embed("a cat"), settings),
        Tuning.start(sd2.model, settings), lambda _, loss: losses.append(loss), lambda _: (noise, 400),
    )  # fmt: skip
    assert losses[-1] < 0.98 * losses[0]
