"""ControlNets for tiny models, saved by diffusers; their last layers are random, so that they act."""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import ControlNetModel, UNet2DConditionModel


def tiny_controlnet(unet_folder: Path, seed: int = 0) -> ControlNetModel:
    """One that fits a UNet; the same seed gives the same weights."""
    unet = UNet2DConditionModel.from_pretrained(unet_folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
        for layer in (*net.controlnet_down_blocks, net.controlnet_mid_block):
            torch.nn.init.normal_(layer.weight, std=0.2)
        for layer in net.controlnet_cond_embedding.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.normal_(layer.weight, std=2 / layer.weight[0].numel() ** 0.5)
    return net.eval()


def save_controlnet(folder: Path, model: Path, seed: int = 0) -> Path:
    """Writes one for the UNet of a model's folder, and returns its folder."""
    tiny_controlnet(model / "unet", seed).save_pretrained(folder)
    return folder
