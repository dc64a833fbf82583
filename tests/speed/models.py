"""The models that are timed: the bundled one, and one of Stable Diffusion 1.5's shapes with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from vp2p.models.folder import ModelFolder, Places
from vp2p.models.loading import LatentModel
from vp2p.pipeline.model import VideoModel, load
from vp2p.sprites.network import SCHEDULER_CONFIG
from vp2p.sprites.tokenizer import build_tokenizer

_TOKENS = 77
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_UNET = {"cross_attention_dim": 768, "sample_size": 64, "attention_head_dim": 8}
_VAE: dict[str, Any] = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "scaling_factor": 0.18215,
}


def model_named(name: str, device: str, dtype: str, folder: Path) -> VideoModel:
    """``sprites``, or ``sd15``; ``folder`` takes what has to be on disk."""
    return load("sprites", device=device, dtype=dtype) if name == "sprites" else sd15(device, dtype, folder)


def sd15(device: str, dtype: str, folder: Path) -> VideoModel:
    """A model of Stable Diffusion 1.5's shapes, with random weights and the bundled model's tokenizer."""
    torch.manual_seed(0)
    tokenizer = build_tokenizer(folder / "tokenizer")
    tokenizer.model_max_length = _TOKENS
    with torch.device(device):
        unet = UNet2DConditionModel(**_UNET).to(_DTYPES[dtype])
        vae = AutoencoderKL(**_VAE)
        text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                max_position_embeddings=_TOKENS,
            )
        )
    for part in (unet, vae, text):
        part.eval().requires_grad_(False)
    scheduler_config = {**SCHEDULER_CONFIG, "prediction_type": "epsilon"}
    configs = (dict(unet.config), dict(vae.config), text.config.to_dict(), scheduler_config)
    described = ModelFolder(folder, Places.of(folder), *configs, parts={}, card={})
    scheduler = DDIMScheduler(**scheduler_config)
    return VideoModel(
        LatentModel(vae, text, tokenizer, unet, scheduler, torch.device(device), _DTYPES[dtype], "sd15", described)
    )
