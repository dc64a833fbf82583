"""What the VAE loses of a clip comes back in an edit's colours, where the clip's colours tell them."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tests.compositing.drawn import FRAMES, outlines, planes
from vp2p.compositing.detail import colour_change, recoloured, with_detail
from vp2p.compositing.foreground import Drawn, find_foreground
from vp2p.compositing.propagate import paste, propagate
from vp2p.compositing.shapes import eroded
from vp2p.compositing.track import follow_object
from vp2p.sprites.scenes import Scene

CAT = Scene("cat", "grass", path="slide", seed=3)
RED = CAT.replace(colour="red")


def decoded(pictures: Tensor) -> Tensor:
    """As a VAE returns them: without thin lines."""
    return avg_pool2d(pictures, 5, stride=1, padding=2, count_include_pad=False)


def off(found: Tensor, wanted: Tensor, where: Tensor) -> float:
    return float((found - wanted).abs().mean(1)[where].mean())


def test_a_change_of_colours_is_found() -> None:
    clip = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(1)) * 255
    matrix = torch.tensor([[0.2, 0.5, 0.1], [0.0, 0.3, 0.0], [0.4, 0.0, -0.2]])
    gains = colour_change(clip, torch.einsum("ec,chw->ehw", matrix, clip) + 20)
    assert gains.shape == (3, 3, 32, 32) and (gains - matrix[..., None, None]).abs().max() < 0.02
    assert torch.allclose(recoloured(clip, gains), torch.einsum("ec,chw->ehw", matrix, clip), atol=6)


def test_lines_that_the_vae_loses_come_back_in_the_edits_colours() -> None:
    clip, wanted, inside = planes(CAT), planes(RED), outlines(CAT)
    found = torch.stack([with_detail(*each) for each in zip(decoded(wanted), decoded(clip), clip)])
    assert off(found, wanted, inside) < 0.5 * off(decoded(wanted), wanted, inside)


def test_a_texture_that_the_clip_does_not_tell_stays() -> None:
    flat = torch.full((3, 32, 32), 120.0)
    checks = 100.0 * ((torch.arange(32)[:, None] // 4 + torch.arange(32) // 4) % 2).expand(3, 32, 32)
    assert torch.equal(with_detail(checks, flat, flat + 5), checks)


def test_what_keeps_its_outline_has_every_frames_own_lines() -> None:
    """Also where it was followed by some pixels wrongly."""
    clip, wanted = planes(CAT), planes(RED)
    track = dataclasses.replace(follow_object(clip, outlines(CAT)), vae_reconstruction=decoded(clip))
    key = track.key_frames()[0]
    look = find_foreground(track, Drawn(key, decoded(wanted)[key], track.coarse_mask[key]), False)
    track.motion.matrices[:, 0, 2] += torch.arange(FRAMES) * 0.5
    inner = eroded(outlines(CAT), 3)
    for made in (propagate(track, [look], decoded(wanted), False), paste(track, decoded(wanted), False)):
        assert off(made.frames, wanted, inner) < 0.5 * off(decoded(wanted), wanted, inner)
