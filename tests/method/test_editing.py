"""Edits on tiny models: what must be equal, and what must differ."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.errors import UsageError
from vp2p.method.attention.control import TargetControl
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.inversion.ddim import ddim_invert, ddim_reconstruct
from vp2p.method.schedule import Schedule
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings

SOURCE = "a cat on the grass"
STEPS = 5


class Inverted:
    """A tiny model and its inverted clip, which any settings can edit."""

    def __init__(self, small) -> None:
        self.small = small
        self.schedule = Schedule.of(small.latent.scheduler, STEPS)
        self.cond, self.empty = small.embed(SOURCE), small.embed("")
        self.trajectory = ddim_invert(small.model, self.schedule, small.latents, self.cond)

    def target(self, mask=None, uncond=None, **settings) -> Target:
        settings = EditSettings.of(**settings)
        plan = plan_words(self.small.latent.tokenizer, SOURCE, settings, STEPS, self.cond.shape[1])
        cond = self.small.embed(plan.target.prompt)
        return Target(plan, settings, 7.5, cond, self.empty if uncond is None else uncond, mask)

    def edit(self, *targets: Target, source: SourceBranch | None = None):
        source = source or SourceBranch(recorded=self.trajectory)
        branches = Branches.of(self.schedule, self.trajectory[-1], source, self.cond, self.empty)
        return edit(self.small.model, branches, targets)


@pytest.fixture(scope="module", params=["sd1", "sd2"])
def inverted(request) -> Inverted:
    """Made once: an edit changes neither the model nor the trajectory.

    What does not ask how the model predicts and attends takes the smaller one, ``sd2``, alone.
    """
    return Inverted(Small(request.getfixturevalue(f"{request.param}_folder")))


def test_no_change_gives_the_source_back(inverted):
    out = inverted.edit(inverted.target(prompt=SOURCE))
    assert torch.equal(out.targets[0], inverted.trajectory[0]) and torch.equal(out.source, inverted.trajectory[0])


def test_outside_the_mask_nothing_moves(inverted):
    out = inverted.edit(inverted.target(swap=("cat=dog",), blend_threshold=0.9))
    (mask,) = out.masks
    (attention,) = out.attention
    assert attention.shape == (2, *mask.shape) and 0 <= float(attention.min()) < float(attention.max()) <= 1
    assert 0 < mask.float().mean() < 1
    outside = ~mask[:, None].expand_as(out.source)
    assert torch.equal(out.targets[0][outside], out.source[outside])
    assert not torch.equal(out.targets[0][~outside], out.source[~outside])


def test_a_given_mask_takes_the_place_of_the_words(inverted):
    mask = torch.zeros(inverted.trajectory.shape[1], *inverted.trajectory.shape[-2:])
    mask[:, :4] = 1
    out = inverted.edit(inverted.target(mask=mask, swap=("cat=dog",)))
    assert out.attention == (None,)
    watched = inverted.edit(dataclasses.replace(inverted.target(mask=mask, swap=("cat=dog",)), watched=True))
    assert watched.attention[0].shape == (2, *mask.shape)
    torch.testing.assert_close(watched.targets, out.targets, atol=1e-4, rtol=1e-4)  # maps are only looked at
    assert torch.equal(out.targets[0][:, :, 4:], out.source[:, :, 4:])
    assert not torch.equal(out.targets[0][:, :, :4], out.source[:, :, :4])


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
def test_edits_made_together_equal_edits_made_alone(inverted):
    first = inverted.target(swap=("cat=dog",), blend_threshold=0.8)
    second = inverted.target(prompt="a red cat on the grass", reweight=("red:2",), no_blend=True)
    together = inverted.edit(first, second)
    for row, target in enumerate((first, second)):
        assert_close(together.targets[row], inverted.edit(target).targets[0], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
@pytest.mark.parametrize("change", [
    {"cross_replace": 1.0}, {"self_replace": 1.0}, {"self_target": "frame"}, {"self_target": "both"},
    {"reweight": ("dog:4",)}, {"window": ("dog=0:1",)},
])  # fmt: skip
def test_every_control_acts(inverted, change):
    base = {
        "swap": ("cat=dog",),
        "cross_replace": 0.5,
        "self_replace": 0.5,
        "self_target": "temporal",
        "no_blend": True,
    }
    plain = inverted.edit(inverted.target(**base)).targets
    changed = inverted.edit(inverted.target(**(base | change))).targets
    assert (plain - changed).abs().max() > 1e-5


def test_an_unguided_source_walks_by_itself(inverted):
    out = inverted.edit(inverted.target(swap=("cat=dog",)), source=SourceBranch())
    alone = ddim_reconstruct(inverted.small.model, inverted.schedule, inverted.trajectory[-1:], inverted.cond)
    assert_close(out.source, alone, atol=1e-4, rtol=1e-4)


def test_a_source_guided_by_the_empty_prompt_is_another_branch(inverted):
    out = inverted.edit(
        inverted.target(prompt=SOURCE, no_blend=True, self_replace=0.0), source=SourceBranch(guidance=7.5)
    )
    # Both branches are now guided alike, by the same embeddings: the edit is the source.
    assert_close(out.targets[0], out.source, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
def test_embeddings_for_each_frame_may_guide_the_target(inverted):
    frames = inverted.trajectory.shape[1]
    shared = inverted.empty.expand(STEPS, -1, -1)
    each = shared[:, None].expand(-1, frames, -1, -1)
    first, second = (inverted.edit(inverted.target(uncond=uncond, swap=("cat=dog",))) for uncond in (shared, each))
    assert_close(first.targets, second.targets, atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
@pytest.mark.parametrize(("settings", "sizes"), [
    # Held in 2 of 5 steps: then the source has no reader, unless outlines are made of its attention.
    ({"no_blend": True}, [5, 5, 4, 4, 4]),
    ({"mask": "given"}, [5, 5, 4, 4, 4]),
    ({}, [5, 5, 5, 5, 5]),
    ({"no_blend": True, "cross_replace": 1.0}, [5, 5, 5, 5, 5]),
    ({"no_blend": True, "self_replace": 0.0, "cross_replace": 0.0}, [4, 4, 4, 4, 4]),
    ({"no_blend": True, "self_replace": 0.0, "cross_replace": 0.0, "window": ("on=0:0.3",)}, [5, 4, 4, 4, 4]),
])  # fmt: skip
def test_a_recorded_source_takes_part_only_where_it_is_read(inverted, monkeypatch, settings, sizes):
    mask = None
    if settings == {"mask": "given"}:
        mask, settings = torch.zeros(inverted.trajectory[0, :, 0].shape), {}
        mask[:, :8] = 1
    targets = [inverted.target(mask, swap=(swap,), **settings) for swap in ("cat=dog", "cat=rabbit")]
    held, seen = inverted.small.model, []
    hook = held.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    out = inverted.edit(*targets)
    hook.remove()
    assert seen == sizes
    monkeypatch.setattr(TargetControl, "acts", True)
    always = inverted.edit(*targets)
    assert torch.equal(out.source, always.source) and torch.equal(out.source, inverted.trajectory[0])
    assert_close(out.targets, always.targets, atol=2e-4, rtol=1e-3)
    unrecorded = inverted.edit(*targets, source=SourceBranch(guidance=2.0))
    assert torch.isfinite(unrecorded.targets).all() and not torch.equal(unrecorded.source, out.source)


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
def test_a_target_may_start_from_latents_of_its_own(inverted):
    plain = inverted.target(swap=("cat=dog",), no_blend=True)
    other = dataclasses.replace(plain, start=inverted.trajectory[-1] * 0.5)
    same = dataclasses.replace(plain, start=inverted.trajectory[-1])
    out = inverted.edit(plain, other, same)
    assert_close(out.targets[2], out.targets[0])
    assert (out.targets[1] - out.targets[0]).abs().max() > 1e-3
    assert torch.equal(out.source, inverted.trajectory[0])


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
@pytest.mark.parametrize("change", [{"blend_levels": "all"}, {"blend_peak": "clip"}, {"blend_soft": True}])
def test_every_way_to_outline_gives_another_mask(inverted, change):
    base = {"swap": ("cat=dog",), "blend_threshold": 0.95}
    plain, changed = (inverted.edit(inverted.target(**settings)) for settings in (base, base | change))
    assert not torch.equal(plain.masks[0].float(), changed.masks[0].float())
    outside = (changed.masks[0] == 0)[:, None].expand_as(changed.source)
    assert torch.equal(changed.targets[0][outside], changed.source[outside])


class Passes:
    """How many branches each pass of a model had, inside the block."""

    def __init__(self, model) -> None:
        self.sizes: list[int] = []
        self._hook = model.register_forward_pre_hook(lambda _, given: self.sizes.append(len(given[0])))

    def __enter__(self) -> Passes:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
def test_steps_outside_the_guidance_interval_have_no_unconditional_branches(inverted):
    swaps = ("cat=dog",), ("cat=bird",)
    whole = [inverted.target(swap=swap) for swap in swaps]
    part = [inverted.target(swap=swap, guidance_interval="0.2:0.6", token_flow=True) for swap in swaps]
    with Passes(inverted.small.model) as passes:
        inverted.edit(*part)
        assert passes.sizes == [3, 5, 5, 3, 3]
    with Passes(inverted.small.model) as passes:
        inverted.edit(whole[0], part[1])
        assert passes.sizes == [5] * STEPS, "the first is guided at every step"


@pytest.mark.parametrize("inverted", ["sd2"], indirect=True)
def test_a_target_outside_its_interval_is_denoised_by_its_prompt_alone(inverted):
    unguided = dataclasses.replace(inverted.target(swap=("cat=dog",)), guidance=1.0)
    part = inverted.target(swap=("cat=dog",), guidance_interval="0.9:0.95")  # holds no step of five
    with Passes(inverted.small.model) as passes:
        alone = inverted.edit(part)
        assert passes.sizes == [2] * STEPS
    assert_close(alone.targets, inverted.edit(unguided).targets, atol=1e-4, rtol=1e-4)
    both = inverted.edit(part, inverted.target(swap=("cat=bird",)))
    assert_close(both.targets[:1], alone.targets, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("text", ["0.8", "0.6:0.2", "0:1.2", "a:b", ""])
def test_a_guidance_interval_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="two shares"):
        EditSettings.of(guidance_interval=text)
