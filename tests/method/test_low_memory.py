"""Less memory changes nothing but rounding: passes in pieces, and gradients that recompute."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.method.conftest import Small, latents_task
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.inversion.null_text import invert
from vp2p.method.schedule import Schedule
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.pipeline.memory import Live
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings, InvertSettings, TuneSettings
from vp2p.t2s.inflation import TextToSetModel

_NEAR = {"atol": 1e-4, "rtol": 1e-4}


def _tuned(small: Small) -> dict[str, Tensor]:
    settings = TuneSettings(steps=2, learning_rate=1e-3)
    task = TuningTask(small.model, small.latent.scheduler, small.latents, small.embed("a cat"), settings)
    return tune(task, Tuning.start(small.model, settings)).tuned()


@torch.no_grad()
def test_a_pass(small: Small) -> None:
    text = small.embed("a cat", "a dog on the sand")
    x = torch.cat([small.latents, small.latents.flip(1)])
    plain = small.model(x, 321, text)
    small.model.save_memory(True)
    low = small.model(x, 321, text)
    assert not torch.equal(low, torch.zeros_like(low))
    assert_close(low, plain, **_NEAR)
    small.model.save_memory(False)
    assert torch.equal(small.model(x, 321, text), plain)


@pytest.mark.parametrize("frames", [1, 5, 300])
@torch.no_grad()
def test_any_number_of_frames(sd1: Small, frames: int) -> None:
    x = torch.randn(1, frames, *sd1.latents.shape[2:4], 8)  # at the coarsest level there are more frames than cells
    plain = sd1.model(x, 321, sd1.embed("a cat"))
    sd1.model.save_memory(True)
    assert_close(sd1.model(x, 321, sd1.embed("a cat")), plain, **_NEAR)


def test_tuning(sd1_folder: Any) -> None:
    plain, saving = Small(sd1_folder), Small(sd1_folder)
    saving.model.save_memory(True)
    expected, found = _tuned(plain), _tuned(saving)
    assert saving.model.unet.is_gradient_checkpointing
    for name, tensor in expected.items():
        assert_close(found[name], tensor, atol=1e-4, rtol=0)


def test_tuning_leaves_the_model_as_it_was(sd1: Small) -> None:
    _tuned(sd1)
    assert not sd1.model.unet.is_gradient_checkpointing


def test_null_text_inversion(sd1_folder: Any) -> None:
    def inverted(low: bool) -> tuple[Tensor, Tensor]:
        small = Small(sd1_folder)
        small.model.save_memory(low)
        settings = InvertSettings(method="null-text", steps=2, inner_steps=2, tolerance=0.0)
        schedule = Schedule.of(small.latent.scheduler, 2)
        task = latents_task(small.model, schedule, settings, small.embed("a cat"), small.embed(""))
        found = invert(task, {"trajectory": small.latents}, lambda _: None)
        return found.extra["embeddings"], found.extra["source"]

    for low, plain in zip(inverted(True), inverted(False)):
        assert_close(low, plain, **_NEAR)


@pytest.mark.parametrize("self_target", ["frame", "temporal", "both"])
def test_an_edit_under_control(sd1_folder: Any, self_target: str) -> None:
    def edited(low: bool) -> Tensor:
        small = Small(sd1_folder)
        small.model.save_memory(low)
        windows = {"cross_replace": 1.0, "self_replace": 1.0, "self_target": self_target}
        settings = EditSettings.of(swap=["cat=dog"], no_blend=True, **windows)
        tokenizer = small.latent.tokenizer
        plan = plan_words(tokenizer, "a cat on the grass", settings, 2, tokenizer.model_max_length)
        cond, empty, new = (small.embed(one) for one in ("a cat on the grass", "", plan.target.prompt))
        branches = Branches.of(
            Schedule.of(small.latent.scheduler, 2), small.latents[0], SourceBranch(guidance=7.5), cond, empty
        )
        return edit(small.model, branches, [Target(plan, settings, 7.5, new, empty)]).targets

    assert_close(edited(True), edited(False), **_NEAR)


def _peak(model: TextToSetModel, small: Small, gradients: bool) -> int:
    text = small.embed("a cat").detach().requires_grad_(gradients)
    with Live() as live, torch.set_grad_enabled(gradients):
        out = model(small.latents, 321, text)
        if gradients:
            torch.autograd.grad(out.square().mean(), text)
    return live.peak


@pytest.mark.parametrize("gradients", [False, True])
def test_less_is_held_at_once(sd1_folder: Any, gradients: bool) -> None:
    small = Small(sd1_folder, frames=8)
    plain = _peak(small.model, small, gradients)
    small.model.save_memory(True)
    assert _peak(small.model, small, gradients) < (0.6 if gradients else 0.9) * plain
