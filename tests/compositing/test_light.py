"""The light of a frame: found from what both show, and given to what only one shows."""

from __future__ import annotations

import torch

from vp2p.compositing.light import light


def test_a_shadow_is_given_and_a_pattern_is_not() -> None:
    shading = torch.linspace(1.0, 0.6, 96).expand(96, 96)
    picture = 60 + 160 * torch.rand(3, 96, 96, generator=torch.Generator().manual_seed(0))
    seen = torch.zeros(96, 96, dtype=torch.bool)
    seen[20:76, 20:76] = True
    gain = light(picture, picture * shading, seen)[0]
    assert (gain - shading)[24:72, 24:72].abs().max() < 0.06
    assert gain.std(dim=0).max() < 0.05  # nothing of the pattern, which is as strong as the shadow


def test_what_is_not_seen_keeps_its_light() -> None:
    picture = torch.full((3, 40, 60), 100.0)
    assert torch.equal(light(picture, picture * 0.5, torch.zeros(40, 60, dtype=torch.bool)), torch.ones(1, 40, 60))


def test_what_is_much_darker_is_another_thing() -> None:
    picture = torch.full((3, 40, 60), 200.0)
    gain = light(picture, picture * 0.1, torch.ones(40, 60, dtype=torch.bool))
    assert torch.allclose(gain, torch.tensor(0.5))
