"""A transformer block that also attends over time (Video-P2P, section 3.1)."""

from __future__ import annotations

from typing import Any

from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn, unflatten


class T2SBlock(BasicTransformerBlock):
    """The library's transformer block, then attention over the frames at each position.

    ``attn_temp`` and ``norm_temp`` are added by :class:`TextToSetModel`.
    """

    attn_temp: Attention
    norm_temp: nn.LayerNorm

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
        frames = kwargs.get("frames", 1)
        tokens = x.shape[1]
        along_time = unflatten(x, 0, (-1, frames)).transpose(1, 2).flatten(0, 1)  # (B·n, F, width)
        out: Tensor = self.attn_temp(self.norm_temp(along_time), **kwargs)
        return x + unflatten(out, 0, (-1, tokens)).transpose(1, 2).flatten(0, 1)
