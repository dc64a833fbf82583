"""IP-Adapters for tiny models, in the layout of the hub's h94/IP-Adapter, with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

EMBEDDING = 24
SIDE = 32


def adapter_tensors(unet: UNet2DConditionModel, seed: int = 0) -> dict[str, Tensor]:
    """Those of an adapter that fits a UNet which is not inflated; the same seed gives the same weights."""
    seeded = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=seeded) * shape[-1] ** -0.5

    width = unet.config.cross_attention_dim
    tensors = {
        "image_proj.proj.weight": random(4 * width, EMBEDDING),
        "image_proj.proj.bias": random(4 * width),
        "image_proj.norm.weight": 1 + random(width),
        "image_proj.norm.bias": random(width),
    }
    for place, name in enumerate(unet.attn_processors):
        if not name.endswith("attn1.processor"):
            out = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            tensors |= {f"ip_adapter.{place}.to_{one}_ip.weight": 2 * random(out, width) for one in "kv"}
    return tensors


def save_ip_adapter(folder: Path, model: Path, seed: int = 0) -> Path:
    """Writes ``models/`` with one for the model in a folder, and returns ``folder``."""
    place = folder / "models"
    place.mkdir(parents=True)
    tensors = adapter_tensors(UNet2DConditionModel.from_pretrained(model / "unet"), seed)
    save_file(tensors, place / "ip-adapter_sd15.safetensors")
    image_encoder(seed).save_pretrained(place / "image_encoder")
    return folder


def image_encoder(seed: int = 0) -> CLIPVisionModelWithProjection:
    """A tiny one; the same seed gives the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = CLIPVisionConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
            patch_size=8, projection_dim=EMBEDDING,
        )  # fmt: skip
        return CLIPVisionModelWithProjection(config).eval()


def save_picture(path: Path, seed: int = 0) -> Path:
    """Writes a picture of noise, whose middle square is the whole of it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path
