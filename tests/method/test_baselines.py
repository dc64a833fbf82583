"""What the paper compares with, each a mode of the same code, and runs of before that keep their identity."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.inversion.ddim import ddim_invert
from vp2p.method.inversion.noise import noised, reduce_and_enlarge
from vp2p.method.schedule import Schedule, generator, guide
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.prompts.plan import plan_words
from vp2p.schema import from_mapping, identifying, to_mapping, to_record
from vp2p.settings import EditSettings, InvertSettings, ModelSettings, TuneSettings
from vp2p.stages.invert import _relevant
from vp2p.t2s.inflation import TextToSetModel
from vp2p.workspace.identity import identity

STEPS = 4
PROMPT, NEW = "a cat on the grass", "a dog on the grass"
PLAIN = EditSettings.of(prompt=NEW, cross_replace=0.0, self_replace=0.0, no_blend=True)


def image_unet(small: Small) -> UNet2DConditionModel:
    return UNet2DConditionModel.from_pretrained(small.latent.folder.path / "unet").eval()


def target(small: Small, settings: EditSettings, guidance: float = 3.0) -> Target:
    plan = plan_words(small.latent.tokenizer, PROMPT, settings, STEPS, small.latent.token_limit)
    return Target(plan, settings, guidance, small.embed(plan.target.prompt), small.embed(""))


@pytest.fixture(params=["sd1", "sd2"])
def frame_by_frame(request) -> Small:
    """A model that has not been tuned, and whose frames attend to themselves."""
    small = Small(request.getfixturevalue(f"{request.param}_folder"), randomise=False)
    small.model = TextToSetModel(image_unet(small), attention="self")
    return small


@torch.no_grad()
def test_self_attention_untuned_is_the_image_model_frame_by_frame(frame_by_frame):
    texts = frame_by_frame.embed("a cat", "a dog")
    x = torch.cat([frame_by_frame.latents, frame_by_frame.latents.flip(1)])
    out = frame_by_frame.model(x, 321, texts)
    unet = image_unet(frame_by_frame)
    for branch in range(2):
        for frame in range(x.shape[1]):
            alone = unet(x[branch, frame : frame + 1], 321, texts[branch : branch + 1]).sample
            assert_close(out[branch, frame], alone[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_image_p2p_edits_a_frame_as_if_it_were_alone(frame_by_frame):
    small, schedule = frame_by_frame, Schedule.of(frame_by_frame.latent.scheduler, STEPS)
    settings = EditSettings.of(prompt=NEW, self_target="both", self_replace=0.5)
    trajectory = ddim_invert(small.model, schedule, small.latents, small.embed(PROMPT))

    def edited(clip: torch.Tensor) -> torch.Tensor:
        texts = small.embed(PROMPT), small.embed("")
        source = SourceBranch(recorded=clip)
        branches = Branches.of(schedule, clip[-1], source, *texts)
        return edit(small.model, branches, [target(small, settings)]).targets[0]

    together = edited(trajectory)
    for frame in range(trajectory.shape[1]):
        assert_close(together[frame : frame + 1], edited(trajectory[:, frame : frame + 1]), atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_without_control_the_edit_is_plain_guided_denoising(small):
    schedule = Schedule.of(small.latent.scheduler, STEPS)
    texts = small.embed(PROMPT), small.embed("")
    trajectory = ddim_invert(small.model, schedule, small.latents, texts[0])
    other = SourceBranch(recorded=torch.randn(trajectory.shape))
    for source in (SourceBranch(), other):
        branches = Branches.of(schedule, trajectory[-1], source, *texts)
        found = edit(small.model, branches, [target(small, PLAIN)])
        x = trajectory[-1:]
        for index in range(STEPS, 0, -1):
            out = [small.model(x, schedule.timestep(index), text) for text in (texts[1], small.embed(NEW))]
            x = schedule.denoise(guide(*out, 3.0), x, index)
        assert_close(found.targets, x, atol=1e-4, rtol=1e-4)
        assert found.masks == (None,)


def test_half_the_strength_starts_half_way(small):
    schedule = Schedule.of(small.latent.scheduler, STEPS)
    texts = small.embed(PROMPT), small.embed("")
    recorded = noised(schedule, small.latents[0], small.latents[0], generator(1))
    seen = []
    branches = Branches(schedule, 2, recorded[2], SourceBranch(recorded=recorded), *texts)
    edit(small.model, branches, [target(small, PLAIN)], lambda state: seen.append((state.step, state.source)))
    assert [step for step, _ in seen] == [3, 4]
    assert torch.equal(seen[0][1], recorded[1]) and torch.equal(seen[1][1], small.latents[0])


def test_noise_has_the_schedules_share(small):
    schedule = Schedule.of(small.latent.scheduler, STEPS)
    clip = torch.randn(2, 4, 24, 24, generator=generator(0))
    reduced = torch.full_like(clip, 2.0)
    trajectory = noised(schedule, clip, reduced, generator(5))
    assert trajectory.shape == (STEPS + 1, *clip.shape) and torch.equal(trajectory[0], clip)
    for index in range(1, STEPS + 1):
        alpha = schedule.alphas[index]
        noise = (trajectory[index] - alpha**0.5 * 2.0) / (1 - alpha) ** 0.5
        assert abs(float(noise.mean())) < 0.05 and abs(float(noise.std()) - 1) < 0.05
    assert torch.equal(trajectory, noised(schedule, clip, reduced, generator(5)))


def test_reducing_takes_detail_and_leaves_the_colours():
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)
    flat = np.full((1, 32, 48, 3), (10, 200, 30), np.uint8)
    assert np.array_equal(reduce_and_enlarge(frames, 1), frames)
    assert np.array_equal(reduce_and_enlarge(flat, 4), flat)
    reduced = reduce_and_enlarge(frames, 4)
    assert reduced.shape == frames.shape and reduced.std() < 0.4 * frames.std()
    assert abs(reduced.mean() - frames.mean()) < 2


def trained(small: Small, mixed: float, steps: int = 2) -> tuple[dict[str, torch.Tensor], list[float]]:
    settings = TuneSettings(steps=steps, learning_rate=1e-2, mixed=mixed)
    state, losses = Tuning.start(small.model, settings), []
    cond = small.embed(PROMPT)
    task = TuningTask(small.model, small.latent.scheduler, small.latents, cond, settings)
    tune(task, state, lambda _, loss: losses.append(loss))
    return {name: tensor.clone() for name, tensor in state.tuned().items()}, losses


def test_single_frames_do_not_see_each_other_in_mixed_tuning(sd1_folder):
    # One step at an order of the frames, and at another with the noise in that order too: the same loss,
    # though frame attention and attention over time both depend on the order.
    def loss(order: list[int], mixed: float) -> float:
        small = Small(sd1_folder)
        settings = TuneSettings(steps=1, mixed=mixed)
        noise = torch.randn(small.latents.shape, generator=generator(2))
        losses: list[float] = []
        tune(
            TuningTask(small.model, small.latent.scheduler, small.latents[:, order], small.embed(PROMPT), settings),
            Tuning.start(small.model, settings), lambda _, value: losses.append(value),
            sampler=lambda step: (noise[:, order], 400),
        )  # fmt: skip
        return losses[0]

    assert loss([2, 0, 1], 1.0) == pytest.approx(loss([0, 1, 2], 1.0), rel=1e-5)
    assert loss([2, 0, 1], 0.0) != pytest.approx(loss([0, 1, 2], 0.0), rel=1e-5)


def test_single_frames_train_the_values_over_time_but_not_who_attends_to_whom(sd1_folder):
    before = {name: p.clone() for name, p in Small(sd1_folder).model.tuned_parameters().items()}
    tuned, _ = trained(Small(sd1_folder), 1.0, steps=1)
    moved = {name: (tuned[name] - before[name] * (1 - 1e-2 * 1e-2)).abs().max() > 1e-3 for name in tuned}
    for name, has_moved in moved.items():
        assert has_moved != ("attn_temp.to_q" in name or "attn_temp.to_k" in name), name


def test_the_share_of_mixed_steps_is_exact(sd1_folder):
    from vp2p.method.tuning import _on_single_frames

    for share in (0.0, 0.35, 0.5, 1.0):
        assert sum(_on_single_frames(share, step) for step in range(200)) == int(200 * share)
    _, half = trained(Small(sd1_folder), 0.5, steps=2)
    _, none = trained(Small(sd1_folder), 0.0, steps=2)
    assert half[0] == none[0] and half[1] != none[1]  # the second step is the single frames'


def test_options_that_came_later_leave_identities_as_they_were():
    # Computed before attention, mixed, strength, downsample and the noise method existed.
    assert identity("tune", {"settings": identifying(TuneSettings(steps=500))}) == (
        "f2f1c0e2f3a95c987730c108280093b495d47065bea07085781b3df140e8d89b"
    )
    # Whose defaults were these:
    off = {name: False for name in ("propagate", "in_place", "per_phrase", "paste")}
    edited = EditSettings.of(swap=("cat=dog",), self_target="temporal", candidates=0, **off)
    assert identity("edit", {"settings": identifying(edited)}) == (
        "fec595a277b6548da4d8af6171c075ee40c994a45c667770c76ae526fd4a4915"
    )
    for method, digest in {
        "null-text": "05514dc383bea19d7d99b0f3254b50d865e9783345774076835f26c70d6190d7",
        "ddim": "44fcdaef8a6bd451a0543e3f36ab2ab6d0e50526831929ed1fb720ac8d144654",
        "direct": "1bd10cb3e6241dda36ec37eb884c053c73b29bc94269a1632762fb5714b353a1",
    }.items():
        settings = InvertSettings(method=method, steps=50, downsample=2, seed=9)
        assert identity("invert", {"settings": _relevant(settings)}) == digest
    assert "attention" not in identifying(ModelSettings())


def test_options_that_came_later_count_when_they_are_given():
    for settings, change in (
        (TuneSettings(), {"mixed": 0.3}),
        (EditSettings(), {"strength": 0.7}),
        (ModelSettings(), {"attention": "self"}),
    ):
        changed = from_mapping(type(settings), {**to_mapping(settings), **change})
        assert identifying(changed) == {**identifying(settings), **change}
        assert to_record(changed).keys() == to_record(settings).keys() > identifying(settings).keys()
    noise = InvertSettings(method="noise")
    assert _relevant(noise) != _relevant(dataclasses.replace(noise, seed=1))
