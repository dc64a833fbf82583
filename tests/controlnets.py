"""ControlNets for tiny models, saved by diffusers; their last layers are random, so that they act."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel

WITHOUT_ATTENTION = {"down_block_types": ["DownBlock2D"] * 3, "mid_block_type": "UNetMidBlock2D"}
"""What small ControlNets of Stable Diffusion XL are made of."""


def tiny_controlnet(unet_folder: Path, seed: int = 0, **config: Any) -> ControlNetModel:
    """One that fits a UNet, as a copy of its first half; the same seed gives the same weights.

    With parts of a configuration that differ from the UNet's, it has weights of its own.
    """
    unet = UNet2DConditionModel.from_pretrained(unet_folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
        if config:
            net = ControlNetModel.from_config({**net.config, **config})
        for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
            torch.nn.init.normal_(layer.weight, std=0.2)
        for layer in net.controlnet_cond_embedding.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.normal_(layer.weight, std=2 / layer.weight[0].numel() ** 0.5)
    return net.eval()


def save_controlnet(folder: Path, model: Path, seed: int = 0, **config: Any) -> Path:
    """Writes one for the UNet of a model's folder, and returns its folder."""
    tiny_controlnet(model / "unet", seed, **config).save_pretrained(folder)
    return folder
