"""The package's form of each step agrees with the straightforward one to 1e-4, in float32."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn.functional import mse_loss
from torch.testing import assert_close

from tests.method.conftest import Small
from tests.speed.straightforward import Injection, edit_step, explicit, null_text_gradient, tuning_gradients
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.schedule import Schedule, guide
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings

_PROMPT = "a cat is on the grass"


@pytest.fixture(scope="module", params=["sd1", "sd2"])
def small(request: pytest.FixtureRequest) -> Small:
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    return Small(folder)


@pytest.mark.parametrize(
    "changed",
    [{"swap": ("cat=dog",)}, {"prompt": "a small cat is on the sand"}, {"swap": ("cat=dog",), "reweight": ("dog:2",)}],
)
def test_an_edit_step(small: Small, changed: dict) -> None:
    schedule = Schedule.of(small.latent.scheduler, 2)
    settings = EditSettings.of(cross_replace=1.0, self_replace=1.0, self_target="both", no_blend=True, **changed)
    plan = plan_words(small.latent.tokenizer, _PROMPT, settings, 2, small.latent.token_limit)
    empty, source, target = (small.embed(text) for text in ("", _PROMPT, plan.target.prompt))
    x = small.latents[0]
    branches = Branches(schedule, 2, x, SourceBranch(guidance=7.5), source, empty)
    seen = []
    edit(small.model, branches, [Target(plan, settings, 7.5, target, empty)], seen.append)

    tokens = AttentionResolutions.of(small.model.layers, *x.shape[-2:]).blend_tokens
    control = Injection(plan.at(0), frozenset({"frame", "temporal"}), tokens)
    with explicit(small.model):
        expected = edit_step(
            small.model, schedule, 2, torch.stack([x, x]), torch.cat([empty, source, target]), control, 7.5
        )
    assert control.kept
    assert_close(seen[0].source, expected[0], atol=1e-4, rtol=1e-4)
    assert_close(seen[0].targets[0], expected[1], atol=1e-4, rtol=1e-4)


def test_the_gradients_of_tuning(small: Small) -> None:
    model, noise = small.model, torch.randn_like(small.latents)
    cond, trained = small.embed(_PROMPT), model.tuned_parameters()
    for weight in trained.values():
        weight.requires_grad_(True)
    try:
        loss = mse_loss(model(small.latents + noise, 500, cond), noise)
        found = dict(zip(trained, torch.autograd.grad(loss, list(trained.values()))))
        with explicit(model):
            expected = tuning_gradients(model, small.latents + noise, 500, cond, noise)
    finally:
        for weight in trained.values():
            weight.requires_grad_(False)
    assert any(bool(gradient.abs().max() > 1e-6) for gradient in expected.values())
    for name, gradient in found.items():
        assert_close(gradient, expected[name], atol=1e-4, rtol=1e-4)


def test_the_gradient_of_the_null_embedding(small: Small) -> None:
    model, schedule = small.model, Schedule.of(small.latent.scheduler, 2)
    x, empty, cond = small.latents, small.embed(""), small.embed(_PROMPT)
    with torch.no_grad():
        predicted = model(x, schedule.timestep(2), cond)
    embedding = empty.clone().requires_grad_()
    moved = schedule.denoise(guide(model(x, schedule.timestep(2), embedding), predicted, 7.5), x, 2)
    mse_loss(moved, torch.zeros_like(x)).backward()
    with explicit(model):
        expected = null_text_gradient(model, schedule, 2, x, empty, predicted, torch.zeros_like(x), 7.5)
    assert embedding.grad is not None and bool(expected.abs().max() > 1e-6)
    assert_close(embedding.grad, expected, atol=1e-4, rtol=1e-4)
    assert not any(weight.requires_grad for weight in model.unet.parameters())
