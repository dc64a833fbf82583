"""Which changes belong together, by where they are seen."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.compositing.groups import layers


def box(left: int, right: int) -> Tensor:
    mask = torch.zeros(2, 16, 16, dtype=torch.bool)
    mask[:, 4:12, left:right] = True
    return mask


def test_the_ground_lies_under_what_stands_on_it() -> None:
    cat, background = box(4, 10), ~box(3, 11)
    assert layers([background, cat]) == [{1}, {0}] and layers([cat, background]) == [{0}, {1}]
    assert layers([~box(2, 9), cat, background]) == [{1}, {0, 2}]


def test_what_is_seen_in_one_place_is_of_one_thing() -> None:
    """A dog, and its sleep."""
    assert layers([box(2, 8), box(3, 8)]) == [{0, 1}]
    assert layers([box(1, 6), box(9, 15)]) == [{0}, {1}]
    assert layers([box(1, 7), box(6, 13)]) == [{0}, {1}]  # they touch
    assert layers([box(1, 6), box(9, 15), ~box(0, 15), box(8, 12)]) == [{0}, {1, 3}, {2}]


def test_one_joins_others_that_lie_apart() -> None:
    assert layers([box(1, 4), box(10, 13), box(0, 14)]) == [{0, 1, 2}]


def test_what_is_seen_nowhere_stands_alone() -> None:
    assert layers([box(4, 4), box(2, 8)]) == [{0}, {1}]
    assert layers([box(2, 8).float() * 0.6, box(2, 8).float()]) == [{0, 1}]
