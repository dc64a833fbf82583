"""A clip of which some objects are changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Composite:
    """A clip (F, 3, H, W) in 0…255 with changed objects: where the old ones were and the new are, bool (F, H, W).

    ``keys`` are the frames that others are made of, from 0; ``hard`` those that none of them could well be followed to.
    """

    frames: Tensor
    old: Tensor
    new: Tensor
    keys: tuple[int, ...] = ()
    hard: tuple[int, ...] = ()

    def over(self, below: Composite) -> Composite:
        """The same frames, with what was changed below them told of, too."""
        keys, hard = (
            tuple(sorted({*one, *other})) for one, other in ((below.keys, self.keys), (below.hard, self.hard))
        )
        return Composite(self.frames, below.old | self.old, below.new & ~self.old | self.new, keys, hard)


def unchanged(clip: Tensor) -> Composite:
    """A clip (F, 3, H, W) as it is."""
    none = torch.zeros_like(clip[:, 0], dtype=torch.bool)
    return Composite(clip, none, none)
