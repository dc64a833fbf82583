"""Tokens that are merged in frame attention, and those that long clips carry from window to window."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.errors import UsageError
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import Edited, edit
from vp2p.method.schedule import Schedule
from vp2p.pipeline.effect import check_merging
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings
from vp2p.t2s.inflation import TextToSetModel
from vp2p.t2s.merging import Merging
from vp2p.t2s.ranks import Ranks
from vp2p.t2s.windows import WindowLog, windows

SOURCE, STEPS, WINDOW = "a cat on the grass", 4, 5
OTHERS = {"token_flow": True, "self_blend": True, "modulate": 0.5, "self_target": "both"}


@pytest.fixture
def long(sd2_folder) -> Small:
    """A clip of several windows."""
    small = Small(sd2_folder, frames=12)
    small.model.window_frames = WINDOW
    return small


def _at(clip: Tensor, share: float) -> Any:
    merging = Merging(share)
    merging.begin(clip.shape[2], None)
    return merging.at("layer", clip)


def _edited(small: Small, latents: Tensor, targets: int = 1, **options: object) -> Edited:
    """Edits of a clip whose inversion is its own latents, smaller by the step."""
    schedule, empty, cond = Schedule.of(small.latent.scheduler, STEPS), small.embed(""), small.embed(SOURCE)
    recorded = torch.linspace(0.2, 1, STEPS + 1).view(-1, 1, 1, 1, 1) * latents
    asked = []
    for word in ("dog", "horse")[-targets:]:
        settings = EditSettings.of(swap=(f"cat={word}",), **options)
        plan = plan_words(small.latent.tokenizer, SOURCE, settings, STEPS, cond.shape[1])
        asked.append(Target(plan, settings, 3.0, small.embed(plan.target.prompt), empty))
    branches = Branches.of(schedule, recorded[-1], SourceBranch(recorded=recorded), cond, empty)
    return edit(small.model, branches, asked)


def test_the_likest_tokens_take_the_value_of_their_destination() -> None:
    torch.manual_seed(0)
    frames, tokens = 3, 8
    clip = torch.randn(2, frames, tokens, 16)
    moved = torch.randperm(tokens)
    clip[:, 1] = 2 * clip[:, 0, moved]  # the first frame's, elsewhere, and brighter
    matching, keys = _at(clip, share=0.5)
    whole = clip.flatten(1, 2)
    merged = matching.merge(whole)
    assert merged.shape == (2, tokens + 8, 16) and torch.equal(merged[:, :tokens], clip[:, 0])
    again = matching.unmerge(merged).unflatten(1, (frames, tokens))
    assert torch.equal(again[:, 1], clip[:, 0, moved]) and torch.equal(again[:, [0, 2]], clip[:, [0, 2]])
    assert torch.equal(keys, clip[:, 0])
    matching, _ = _at(clip, share=0.0)
    assert torch.equal(matching.unmerge(matching.merge(whole)), whole)


def test_all_branches_are_matched_as_the_source_is() -> None:
    torch.manual_seed(0)
    source, other = torch.randn(2, 3, 8, 16)
    (first, _), (second, _) = (_at(torch.stack([source, one]), 0.6) for one in (other, other.flip(0)))
    (alone, _) = _at(source[None], 0.6)
    for found in (second, alone):
        assert torch.equal(found.kept, first.kept) and torch.equal(found.values, first.values)


def test_maps_that_are_halved_more_than_once_are_not_merged() -> None:
    merging = Merging(0.5)
    merging.begin(64, None)
    assert [merging.acts(tokens, frames=2) for tokens in (64, 16, 4)] == [True, True, False]
    assert not merging.acts(64, frames=1)


def test_no_share_is_the_model_itself_to_the_bit(sd1: Small) -> None:
    assert sd1.model.merging(0.0) is sd1.model
    options: tuple[dict[str, Any], ...] = ({}, {"merge_tokens": 0.0}, {"merge_tokens": 0.5})
    plain, none, some = (_edited(sd1, sd1.latents[0], **one).targets for one in options)
    assert torch.equal(plain, none) and not torch.allclose(plain, some, atol=1e-4)


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_frames_that_are_the_same_are_as_without_merging(small: Small, share: float) -> None:
    still = small.latents[:, :1].expand(2, 4, -1, -1, -1)
    still = torch.stack([still[0], -still[1]])  # two branches
    text = small.embed(SOURCE, "a dog")
    with torch.no_grad():
        assert_close(small.model.merging(share)(still, 321, text), small.model(still, 321, text), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("options", [{}, OTHERS], ids=["default", "others"])
def test_edits_of_a_still_clip_are_as_without_merging(sd2: Small, options: dict[str, Any]) -> None:
    still = sd2.latents[0, :1].expand(6, -1, -1, -1)
    plain, merged = (_edited(sd2, still, merge_tokens=share, **options).targets for share in (0.0, 0.7))
    assert_close(merged, plain, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("options", [{}, OTHERS, {"no_blend": True}], ids=["default", "others", "no blend"])
def test_an_edit_is_the_same_beside_another_one(sd2: Small, options: dict[str, Any]) -> None:
    alone = _edited(sd2, sd2.latents[0], 1, merge_tokens=0.5, **options)
    beside = _edited(sd2, sd2.latents[0], 2, merge_tokens=0.5, **options)
    assert_close(beside.targets[1], alone.targets[0], atol=1e-4, rtol=1e-3)


def test_a_recorded_source_comes_back_to_the_bit(sd2: Small) -> None:
    assert torch.equal(_edited(sd2, sd2.latents[0], merge_tokens=0.5).source, 0.2 * sd2.latents[0])


def test_what_no_frame_showed_is_carried_once() -> None:
    torch.manual_seed(0)
    tokens, width = 8, 32
    background, thing = torch.randn(tokens, width), torch.randn(2, width)
    with_thing = torch.cat([background[:6], thing])
    carried: dict[str, Tensor] = {}
    merging = Merging(0.5)
    merging.begin(tokens, carried)

    def keys(*frames: Tensor) -> Tensor:
        found = merging.at("layer", torch.stack(frames)[None].repeat(3, 1, 1, 1))[1]
        assert carried["layer"].shape == (3, tokens // 4, width)
        return found

    assert keys(background, background).shape == (3, tokens, width)
    assert keys(background, background, with_thing, background).shape == (3, tokens + tokens // 4, width)
    for _ in range(2):  # where it is known, nothing takes its place
        found = keys(background, 0.9 * with_thing, with_thing)[1, tokens:]
        assert {tuple(one) for one in found.tolist()} == {tuple(one) for one in thing.tolist()}


@torch.no_grad()
def test_windows_see_what_those_before_showed(long: Small) -> None:
    text, parts = long.embed(SOURCE), windows(12, WINDOW)
    model = long.model.merging(0.3)
    alone = long.model.merging(0.3)
    alone.window_frames = 12
    predictions = [alone(window.of(long.latents), 321, text) for window in parts]
    found = model(long.latents, 321, text)
    own = [frame for frame, weight in zip(parts[0].frames, parts[0].weights) if weight == 1]
    assert torch.equal(found[:, own], predictions[0][:, : len(own)])
    assert not torch.allclose(found[:, -1], predictions[-1][:, -1], atol=1e-4)
    assert torch.equal(found, model(long.latents, 321, text))  # the next pass starts with nothing


@torch.no_grad()
def test_what_is_carried_does_not_grow_with_the_clip(long: Small) -> None:
    held = []
    for times in (1, 4):
        model = long.model.merging(0.3)
        model.window_log = WindowLog(lambda _: None)
        model(long.latents.repeat(2, times, 1, 1, 1), 321, long.embed(SOURCE, "a dog"))
        held.append({name: one.shape for name, one in model.window_log.carried.items()})
    merged = [layer.name for layer in model.layers if layer.role == "frame"]
    assert held[0] == held[1] and 0 < len(held[0]) <= len(merged)
    cells = long.latents.shape[-2:].numel()
    assert all(shape[0] == 2 and shape[1] <= cells // 4 for shape in held[0].values())


@torch.no_grad()
def test_a_pass_that_stops_between_windows_goes_on_to_the_same_bits(long: Small) -> None:
    text, model, count = long.embed(SOURCE), long.model.merging(0.4), len(windows(12, WINDOW))
    whole, kept = model(long.latents, 321, text), []

    def on_window(done: list[Tensor]) -> None:
        kept.append((list(done), dict(model.window_log.carried)))

    model.window_log = WindowLog(on_window)
    assert torch.equal(model(long.latents, 321, text), whole)
    assert len(kept) == count - 1
    passes: list[int] = []
    for done, carried in kept:
        model.window_log, passes[:] = WindowLog(lambda _: None, iter(done), carried), []
        with model.unet.register_forward_pre_hook(lambda *_: passes.append(1)):
            assert torch.equal(model(long.latents, 321, text), whole)
        assert len(passes) == count - len(done)
        assert torch.equal(model(long.latents, 321, text), whole)  # the next pass, from its start
    done, _ = kept[-1]
    model.window_log = WindowLog(lambda _: None, iter(done))  # without them it would not
    assert not torch.equal(model(long.latents, 321, text), whole)


def test_edits_of_a_clip_in_windows_merge(long: Small) -> None:
    found = [_edited(long, long.latents[0], merge_tokens=share, **OTHERS).targets for share in (0.5, 0.5, 0.0)]
    assert torch.equal(found[0], found[1]) and not torch.allclose(found[0], found[2], atol=1e-4)


@pytest.mark.parametrize("share", [1.0, -0.1, 3.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"merge_tokens is .*, but must be 0 or more, and less than 1") as refused:
        EditSettings.of(merge_tokens=share)
    assert "--merge-tokens" in refused.value.hint


def test_frames_that_read_no_first_frame_are_refused(sd2: Small, sd2_folder) -> None:
    settings = EditSettings.of(merge_tokens=0.5)
    with pytest.raises(UsageError, match="each frame attends to itself") as refused:
        check_merging(settings, "self")
    assert "vp2p config model.attention first-frame" in refused.value.hint
    check_merging(settings, "first-frame")
    check_merging(EditSettings(), "self")
    with pytest.raises(ValueError, match="first frame"):
        TextToSetModel(Small(sd2_folder).latent.unet, attention="self").merging(0.5)


def test_a_model_whose_frames_are_split_over_ranks_does_not_merge(sd2: Small) -> None:
    sd2.model.ranks = Ranks(0, 2)
    with pytest.raises(ValueError, match="first frame"):
        sd2.model.merging(0.5)
