"""A clip of which some objects are changed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vp2p.compositing.followed import FollowedMotion


@dataclass(frozen=True)
class Composite:
    """A clip (F, 3, H, W) in 0…255 with changed objects: where the old ones were and the new are, bool (F, H, W).

    ``motions`` are those that changed objects were propagated along.
    """

    frames: Tensor
    old: Tensor
    new: Tensor
    motions: tuple[FollowedMotion, ...] = ()

    def over(self, below: Composite) -> Composite:
        """The same frames, with what was changed below them told of, too."""
        new = below.new & ~self.old | self.new
        return Composite(self.frames, below.old | self.old, new, below.motions + self.motions)


def unchanged(clip: Tensor) -> Composite:
    """A clip (F, 3, H, W) as it is."""
    none = torch.zeros_like(clip[:, 0], dtype=torch.bool)
    return Composite(clip, none, none)
