"""Which of several changes of a picture are of one thing, and which can be made one after the other."""

from __future__ import annotations

from typing import Sequence

from torch import Tensor

from vp2p.compositing.background import surrounds

_SHARED = 0.5  # of the smaller outline: more, and both are of one thing


def layers(masks: Sequence[Tensor]) -> list[frozenset[int]]:
    """Groups of changes that belong together, by their outlines (F, h, w) in 0…1: objects first, then the ground.

    Objects belong together where their outlines mostly cover each other, as do a dog's and its sleep's.
    """
    background = frozenset(place for place, mask in enumerate(masks) if surrounds(mask.float()))
    groups: list[frozenset[int]] = []
    for place in sorted(set(range(len(masks))) - background):
        near = [group for group in groups if any(_shared(masks[place], masks[other]) > _SHARED for other in group)]
        groups = [group for group in groups if group not in near] + [frozenset({place}).union(*near)]
    return [*groups, background] if background else groups


def _shared(first: Tensor, other: Tensor) -> float:
    """How much of the smaller of two masks is in both."""
    first, other = first.float(), other.float()
    return float((first * other).sum() / min(first.sum(), other.sum()).clamp(min=1e-6))
