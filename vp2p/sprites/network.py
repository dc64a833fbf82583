"""The sprites model's denoiser and text encoder: their sizes, and how both are built."""

from __future__ import annotations

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TEXT_WIDTH = 128
UNET_CONFIG = {
    "sample_size": 16,
    "in_channels": 8,
    "out_channels": 8,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (128, 192),
    "layers_per_block": 1,
    "attention_head_dim": (2, 3),  # in this class: the number of heads, each of dimension 64
    "cross_attention_dim": TEXT_WIDTH,
    "norm_num_groups": 16,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
}
SCHEDULER_CONFIG = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "prediction_type": "v_prediction",
}


class Network(nn.Module):
    """Text encoder and UNet together: token ids and noisy latents in, the prediction of v out.

    The text encoder has embeddings and a final norm but no self-attention layer: words do not mix
    before the UNet reads them, so the cross-attention map of a word is that word's alone.
    """

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(**UNET_CONFIG)
        self.text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=TEXT_WIDTH,
                intermediate_size=4 * TEXT_WIDTH,
                projection_dim=TEXT_WIDTH,
                num_hidden_layers=0,
                num_attention_heads=4,
                max_position_embeddings=tokenizer.model_max_length,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )

    def forward(self, latents: torch.Tensor, timesteps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """``latents`` (n, 8, 16, 16), ``timesteps`` (n,), ``ids`` (n, length) to v (n, 8, 16, 16)."""
        states = self.text(ids).last_hidden_state
        v: torch.Tensor = self.unet(latents, timesteps, encoder_hidden_states=states).sample
        return v


def scheduler() -> DDIMScheduler:
    """The noise schedule of Stable Diffusion, with v-prediction."""
    made: DDIMScheduler = DDIMScheduler(**SCHEDULER_CONFIG)
    return made
