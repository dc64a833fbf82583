"""Structure that pictures give: ControlNets, whose outputs are added to a UNet's (Zhang et al., 2302.05543)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping, Sequence

import torch
from diffusers import ControlNetModel
from torch import Tensor
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class Structure:
    """A ControlNet, how strongly it acts, and a picture of each frame's structure: (F, 3, H, W) in 0…1."""

    network: ControlNetModel
    scale: float
    pictures: Tensor

    def of_frames(self, frames: Sequence[int]) -> Structure:
        """The same for some frames, in their order; a frame may come more than once."""
        return replace(self, pictures=self.pictures[list(frames)])

    def outputs(
        self, latents: Tensor, timestep: Tensor, text: Tensor, added: Mapping[str, Tensor] | None = None
    ) -> list[Tensor]:
        """What is added to the UNet's skip connections, the first one first, and to its middle.

        Args:
            latents: (B, F, c, h, w), or (F, 1, c, h, w) where each frame is a clip of its own.
            timestep: (1,).
            text: (B, L, width), or (B·F, L, width) with a text for each frame.
            added: the UNet's own ``added_cond_kwargs``, B·F rows each, where it reads any: a ControlNet of Stable
                Diffusion XL is a copy of the UNet's first half, and is told what that is told.

        Raises:
            ValueError: the latents are not of as many frames as there are pictures.
        """
        (clips, frames), own = latents.shape[:2], len(self.pictures)
        if frames != own and (clips, frames) != (own, 1):
            raise ValueError(f"{clips} clips of {frames} frames have no structure of {own} pictures")
        rows, dtype = latents.flatten(0, 1), self.network.dtype
        down, mid = self.network(
            rows.to(dtype),
            timestep,
            text.repeat_interleave(len(rows) // len(text), 0).to(dtype),
            controlnet_cond=self._pictures(latents.shape[-2:]).to(dtype).repeat(len(rows) // own, 1, 1, 1),
            conditioning_scale=self.scale,
            added_cond_kwargs=added,
            return_dict=False,
        )
        return [*down, mid]

    def _pictures(self, size: torch.Size) -> Tensor:
        """The pictures at the size that the network reduces to that of latents: as a rule the clip's own."""
        reduces = 2 ** (len(self.network.config.conditioning_embedding_out_channels) - 1)
        wanted = [side * reduces for side in size]
        if list(self.pictures.shape[-2:]) == wanted:
            return self.pictures
        return interpolate(self.pictures, wanted, mode="bilinear", antialias=True)


def residuals(
    structures: Sequence[Structure],
    latents: Tensor,
    timestep: Tensor,
    text: Tensor,
    added: Mapping[str, Tensor] | None,
) -> dict[str, Any]:
    """The arguments by which a UNet takes what all structures add, in sum; none without structures."""
    if not structures:
        return {}
    each = [one.outputs(latents, timestep, text, added) for one in structures]
    *down, mid = (torch.stack(parts).sum(0) if len(parts) > 1 else parts[0] for parts in zip(*each))
    return {"down_block_additional_residuals": tuple(down), "mid_block_additional_residual": mid}
