"""Attention that knows where the edit may act, or which key frames a frame lies between."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from vp2p.method.attention.control import EditControl, TargetControl, attention_maps
from vp2p.method.attention.regions import Modulation, Region, strength_at
from vp2p.method.attention.self_blend import SelfBlend
from vp2p.method.attention.token_flow import TokenFlow, key_frames
from vp2p.prompts.align import TokenMap
from vp2p.t2s.attention import AttentionLayer
from vp2p.t2s.fused import attend

FRAME = AttentionLayer("up_blocks.1.attn1", "frame", "up")
TEMPORAL = AttentionLayer("up_blocks.1.attn_temp", "temporal", "up")
SIZES = [(4, 6), (2, 3)]


def _control(*replaced: str) -> EditControl:
    nothing = TokenMap(torch.zeros(5, 5), torch.ones(5))
    return EditControl(2, 0, [TargetControl(1, nothing, frozenset(replaced), None)], 24, [])


def _left_half(frames: int) -> torch.Tensor:
    mask = torch.zeros(frames, 4, 6)
    mask[:, :, :3] = 1
    return mask


def test_a_region_is_the_share_of_each_cell_at_any_size() -> None:
    region = Region(_left_half(2), SIZES)
    assert region.at(24).shape == (2, 24) and torch.equal(region.at(24), _left_half(2).flatten(1))
    assert_close(region.at(6).unflatten(1, (2, 3)), torch.tensor([[1, 0.5, 0], [1, 0.5, 0]]).expand(2, 2, 3))


def test_modulated_words_have_the_highest_score_inside_and_the_lowest_outside() -> None:
    torch.manual_seed(0)
    scores = torch.randn(1, 2, 3 * 24, 5)
    modulation = Modulation((2,), Region(_left_half(3), SIZES), strength=2.0)  # half of the picture is outside
    found = modulation.scores(scores, frames=3)
    inside = _left_half(3).flatten().bool()
    assert_close(found[..., inside, 2], scores[..., inside, :].amax(-1))
    assert_close(found[..., ~inside, 2], scores[..., ~inside, :].amin(-1))
    others = [0, 1, 3, 4]
    assert torch.equal(found[..., others], scores[..., others])


def test_modulation_is_of_the_maps_that_are_attended_by() -> None:
    torch.manual_seed(0)
    q, k = torch.randn(1, 2, 24, 8), torch.randn(1, 2, 5, 8)
    modulation = Modulation((2,), Region(_left_half(1), SIZES), strength=1.0)
    plain, drawn = attention_maps(q, k), attention_maps(q, k, modulation, 1)
    inside = _left_half(1).flatten().bool()
    assert (drawn[..., inside, 2] >= plain[..., inside, 2]).all()
    assert (drawn[..., ~inside, 2] <= plain[..., ~inside, 2]).all()
    assert not torch.equal(drawn, plain)


def test_modulation_fades_and_ends() -> None:
    strengths = [strength_at(1.0, step, 20) for step in range(20)]
    assert strengths[0] == 1.0 and strengths == sorted(strengths, reverse=True)
    assert all(strengths[:6]) and not any(strengths[6:])


@pytest.mark.parametrize("own_frame", [False, True])
def test_blended_self_attention_is_its_own_inside_and_the_sources_outside(own_frame: bool) -> None:
    torch.manual_seed(0)
    frames, parts = 3, 3 if own_frame else 1
    q = torch.randn(2 * parts, 2, 24 * frames // parts, 8)
    k, v = (torch.randn(2 * parts, 2, 24, 8) for _ in range(2))
    inner = _control("frame")
    found = SelfBlend(inner, 2, {1: Region(_left_half(frames), SIZES)}).attend(FRAME, q, k, v, frames)
    own, replaced = attend(q, k, v), inner.attend(FRAME, q, k, v, frames)
    assert torch.equal(found[:parts], own[:parts])  # the source
    inside = _left_half(frames).reshape(parts, 1, -1, 1) > 0
    assert_close(found[parts:], own[parts:].where(inside, replaced[parts:]))
    assert not torch.equal(own, replaced)


def test_key_frames_cover_a_clip() -> None:
    assert key_frames(8) == [0, 4, 7] and key_frames(5) == [0, 4] and key_frames(3) == [0, 2]
    for frames in range(3, 40):
        keys = key_frames(frames)
        assert keys[0] == 0 and keys[-1] == frames - 1
        assert max(b - a for a, b in zip(keys, keys[1:])) <= 4


def test_token_flow_takes_what_the_likest_tokens_of_the_key_frames_attend_to() -> None:
    torch.manual_seed(0)
    frames, tokens, width = 3, 6, 16
    moved = [torch.arange(tokens), torch.randperm(tokens), torch.randperm(tokens)]
    base = torch.randn(tokens, 2, width)
    source = torch.stack([base[order] for order in moved])  # each frame shows the same tokens elsewhere
    target = torch.randn(frames, tokens, 2, width)
    q = torch.stack([source, target]).flatten(1, 2).transpose(1, 2)  # (B, heads, F·n, d)
    k, v = torch.randn(2, 2, tokens, width), torch.randn(2, 2, tokens, width)
    plain = attend(q, k, v)
    found = TokenFlow(_control(), 2, [1]).attend(FRAME, q, k, v, frames)
    by_frame = plain[1].unflatten(1, (frames, tokens))  # (heads, F, n, d)
    first = by_frame[:, 0, moved[1]]
    last = by_frame[:, 2, [moved[2].tolist().index(place) for place in moved[1].tolist()]]
    wanted = by_frame.clone()
    wanted[:, 1] = (first + last) / 2
    assert_close(found[1].unflatten(1, (frames, tokens)), wanted)
    assert torch.equal(found[0], plain[0])
    assert torch.equal(TokenFlow(_control(), 2, [1]).attend(TEMPORAL, q, q, q, frames), attend(q, q, q))
