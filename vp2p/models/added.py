"""What UNets with added conditions read beside the text: its pooled embedding, and the picture's size and crop.

They are those of Stable Diffusion XL (Podell et al., 2307.01952, section 2.2). The pooled embedding travels as one more
row after the tokens' rows, so all that handles texts handles it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from vp2p.models.folder import SIZE_NUMBERS, TEXT_TIME

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


class Text(NamedTuple):
    """``tokens`` (rows, L, width), and the ``pooled`` embedding (rows, P) of texts that have one."""

    tokens: Tensor
    pooled: Tensor | None = None

    @classmethod
    def of(cls, unet: UNet2DConditionModel, text: Tensor) -> Text:
        """The parts of a text (rows, L, width), or (rows, L + 1, width) for a UNet with added conditions.

        The pooled row takes no gradient: null-text optimisation trains the tokens, as for UNets without one.
        """
        if unet.config.addition_embed_type != TEXT_TIME:
            return cls(text)
        width = unet.config.projection_class_embeddings_input_dim - SIZE_NUMBERS * unet.config.addition_time_embed_dim
        return cls(text[:, :-1], text[:, -1, :width].detach())

    def added(self, frames: int, size: tuple[int, int]) -> dict[str, Tensor] | None:
        """The UNet's ``added_cond_kwargs`` for ``frames`` of each row, whose (height, width) is ``size`` in pixels.

        The frames are told to be whole, and of their own size, as diffusers tells by default.
        """
        if self.pooled is None:
            return None
        pooled = self.pooled.repeat_interleave(frames, 0)
        # Of single numbers the device is told without waiting for it.
        numbers = torch.cat([torch.full((1,), float(one), device=pooled.device) for one in (*size, 0, 0, *size)])
        return {"text_embeds": pooled, "time_ids": numbers.expand(len(pooled), -1)}


def as_row(pooled: Tensor, tokens: Tensor) -> Tensor:
    """Texts (N, L + 1, width) of their tokens (N, L, width) and pooled embeddings (N, P), with zeros after P."""
    row = tokens.new_zeros(len(tokens), 1, tokens.shape[2])
    row[:, 0, : pooled.shape[1]] = pooled
    return torch.cat([tokens, row], 1)
