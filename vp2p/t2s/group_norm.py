"""Group norm over all frames of a clip at once, the released code's form."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn, unflatten


@dataclass
class ClipShape:
    """How many frames the pass under way has; group norms are not told by their caller."""

    frames: int = 1


class JointGroupNorm(nn.GroupNorm):
    """Group norm with statistics over all frames of a clip, as in the released code."""

    clip: ClipShape

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        joint = unflatten(x, 0, (-1, self.clip.frames)).transpose(1, 2).flatten(2)  # (B, channels, F·h·w)
        out = unflatten(super().forward(joint), 2, (self.clip.frames, height, width))
        return out.transpose(1, 2).flatten(0, 1)
