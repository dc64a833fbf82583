"""Local blend: where the edit may act (Prompt-to-Prompt, section 3; Video-P2P, section 3)."""

from __future__ import annotations

from typing import Mapping

import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d


def outline(
    sums: Mapping[tuple[int, int], Tensor],
    latent_size: tuple[int, int],
    threshold: float,
    joint: bool = False,
    soft: bool = False,
) -> Tensor:
    """The mask of the edit.

    Maps are max-pooled 3 x 3, enlarged to the latents, divided by their maximum in each frame and
    cut at ``threshold``; the words' masks in source and target are united.

    Args:
        sums: by map size (height, width), (2, F, n) from :class:`vp2p.method.attention.store.AttentionStore`.
            Those of several sizes are averaged, each divided by its maximum.
        joint: divide by the maximum of all frames.
        soft: fade from 0 at half the threshold to 1 at one and a half of it.

    Returns:
        (F, h, w): bool, or float32 in 0…1 if ``soft``.
    """
    levels = []
    for size, maps in sums.items():
        pooled = max_pool2d(maps.unflatten(-1, size), 3, stride=1, padding=1)
        levels.append(_over_peak(interpolate(pooled, size=latent_size), joint))
    maps = levels[0] if len(levels) == 1 else _over_peak(torch.stack(levels).mean(0), joint)
    if soft and threshold > 0:
        return (maps / threshold - 0.5).clamp(0, 1).amax(dim=0)
    return (maps > threshold).any(dim=0)


def attention(sums: Mapping[tuple[int, int], Tensor], latent_size: tuple[int, int]) -> Tensor:
    """How much each place of source and target attends to their words, next to the frame's place that does most.

    Args:
        sums: as for :func:`outline`.

    Returns:
        (2, F, h, w) in 0…1; 0 where a side has no such words.
    """
    levels = [interpolate(maps.unflatten(-1, size), size=latent_size, mode="bilinear") for size, maps in sums.items()]
    return _over_peak(torch.stack([_over_peak(level, joint=False) for level in levels]).mean(0), joint=False)


def _over_peak(maps: Tensor, joint: bool) -> Tensor:
    """(2, F, h, w) over the maximum of each frame, or of all together."""
    peak = maps.amax(dim=(-3, -2, -1) if joint else (-2, -1), keepdim=True)
    # A side without blend words has no maps, and so no mask.
    return maps / peak.clamp(min=1e-12)


def blend(source: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """``x + mask · (x* − x)``: source latents outside the mask, to the bit.

    Args:
        source, target: (…, F, c, h, w).
        mask: (F, h, w), bool or in 0…1.
    """
    weight = mask.to(target.dtype)[:, None]
    return torch.where(weight == 0, source, torch.where(weight == 1, target, source + weight * (target - source)))
