"""Group norm over all frames of a clip at once, the released code's form."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn, unflatten

from vp2p.t2s.ranks import Share


@dataclass
class ClipShape:
    """How many frames the pass under way has, and this rank's share; group norms are not told by their caller."""

    frames: int = 1
    share: Share | None = None


class JointGroupNorm(nn.GroupNorm):
    """Group norm with statistics over all frames of a clip, as in the released code."""

    clip: ClipShape

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        joint = unflatten(x, 0, (-1, self.clip.frames)).transpose(1, 2).flatten(2)  # (B, channels, F·h·w)
        share = self.clip.share
        normed = super().forward(joint) if share is None else self._over_ranks(joint, share)
        return unflatten(normed, 2, (self.clip.frames, height, width)).transpose(1, 2).flatten(0, 1)

    def _over_ranks(self, joint: Tensor, share: Share) -> Tensor:
        """Mean and variance over the frames of all ranks, of (B, channels, f·h·w)."""
        groups = unflatten(joint.float(), 1, (self.num_groups, -1)).flatten(2)
        count = groups.shape[2] * sum(share.sizes) / share.sizes[share.rank]
        centred = groups - share.total(groups.sum(2, keepdim=True)) / count
        variance = share.total(centred.square().sum(2, keepdim=True)) / count
        normed = (centred * (variance + self.eps).rsqrt()).view_as(joint).to(joint.dtype)
        return normed * self.weight[:, None] + self.bias[:, None]
