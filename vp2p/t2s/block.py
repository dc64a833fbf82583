"""A transformer block that also attends over time (Video-P2P, section 3.1)."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn, unflatten


class T2SBlock(BasicTransformerBlock):
    """The library's transformer block, then attention over the frames at each position.

    ``attn_temp`` and ``norm_temp`` are added by :class:`TextToSetModel`. ``in_pieces`` has attention over time computed
    for some positions after others, as many at once as make one frame.
    """

    attn_temp: Attention
    norm_temp: nn.LayerNorm
    in_pieces: bool = False

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        encoder_hidden_states: Tensor | None = None,
        encoder_attention_mask: Tensor | None = None,
        timestep: Tensor | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        class_labels: Tensor | None = None,
        added_cond_kwargs: dict[str, Tensor] | None = None,
    ) -> Tensor:
        # The library's annotations are narrower than what its own UNet passes.
        x: Tensor = super().forward(
            hidden_states,
            attention_mask,
            encoder_hidden_states,
            encoder_attention_mask,
            timestep,  # type: ignore[arg-type]
            cross_attention_kwargs,  # type: ignore[arg-type]
            class_labels,  # type: ignore[arg-type]
            added_cond_kwargs,
        )  # (B·F, n, width)
        kwargs = cross_attention_kwargs or {}
        clip = unflatten(x, 0, (-1, kwargs.get("frames", 1)))  # (B, F, n, width)
        share = kwargs.get("share")
        if share is None:
            return self._with_time(clip, kwargs).flatten(0, 1)
        timed: Tensor = share.by_frame(self._with_time(share.by_position(clip), kwargs), clip.shape[2])
        return timed.flatten(0, 1)

    def _with_time(self, clip: Tensor, kwargs: dict[str, Any]) -> Tensor:
        """(B, F, n, width) after attention over the frames."""
        if not self.in_pieces:
            return clip + self._along_time(clip, kwargs)
        pieces = clip.split(-(-clip.shape[2] // clip.shape[1]), 2)
        return torch.cat([piece + self._along_time(piece, kwargs) for piece in pieces], 2)

    def _along_time(self, x: Tensor, kwargs: dict[str, Any]) -> Tensor:
        """What attention over the frames adds to (B, F, n, width)."""
        out: Tensor = self.attn_temp(self.norm_temp(x.transpose(1, 2).flatten(0, 1)), **kwargs)  # (B·n, F, width)
        return unflatten(out, 0, (-1, x.shape[2])).transpose(1, 2)
