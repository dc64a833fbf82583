"""IP-Adapters for tiny models, in the layout of the hub's h94/IP-Adapter, with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Literal

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

Form = Literal["plain", "plus", "full-face"]

EMBEDDING, STATE = 24, 16
"""How many numbers the image encoder gives: of the whole picture, and in each hidden state."""
SIDE, PATCH = 32, 8
TOKENS: dict[Form, int] = {"plain": 4, "plus": 16, "full-face": (SIDE // PATCH) ** 2 + 1}


def adapter_tensors(unet: UNet2DConditionModel, seed: int = 0, form: Form = "plain") -> dict[str, Tensor]:
    """Those of an adapter that fits a UNet which is not inflated; the same seed gives the same weights.

    Names and shapes are those of the published files.
    """
    seeded = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=seeded) * shape[-1] ** -0.5

    width = unet.config.cross_attention_dim
    make = {"plain": _linear, "plus": _resampler, "full-face": _mlp}[form]
    tensors = {f"image_proj.{name}": one for name, one in make(random, width).items()}
    for place, name in enumerate(unet.attn_processors):
        if not name.endswith("attn1.processor"):
            out = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            tensors |= {f"ip_adapter.{place}.to_{one}_ip.weight": 2 * random(out, width) for one in "kv"}
    return tensors


def _linear(random: Callable[..., Tensor], width: int) -> dict[str, Tensor]:
    return {
        "proj.weight": random(4 * width, EMBEDDING),
        "proj.bias": random(4 * width),
        "norm.weight": 1 + random(width),
        "norm.bias": random(width),
    }


def _resampler(random: Callable[..., Tensor], width: int) -> dict[str, Tensor]:
    """Four layers, as all that were published, of one head of 64."""
    hidden, head = 32, 64
    tensors = {"latents": random(1, TOKENS["plus"], hidden)}
    tensors |= {"proj_in.weight": random(hidden, STATE), "proj_in.bias": random(hidden)}
    tensors |= {"proj_out.weight": random(width, hidden), "proj_out.bias": random(width)}
    norms = {"norm_out": width}
    for layer in range(4):
        attention, feed = f"layers.{layer}.0", f"layers.{layer}.1"
        norms |= {f"{attention}.norm1": hidden, f"{attention}.norm2": hidden, f"{feed}.0": hidden}
        tensors |= {
            f"{attention}.to_q.weight": random(head, hidden),
            f"{attention}.to_kv.weight": random(2 * head, hidden),
            f"{attention}.to_out.weight": random(hidden, head),
            f"{feed}.1.weight": random(4 * hidden, hidden),
            f"{feed}.3.weight": random(hidden, 4 * hidden),
        }
    for name, size in norms.items():
        tensors |= {f"{name}.weight": 1 + random(size), f"{name}.bias": random(size)}
    return tensors


def _mlp(random: Callable[..., Tensor], width: int) -> dict[str, Tensor]:
    return {
        "proj.0.weight": random(STATE, STATE),
        "proj.0.bias": random(STATE),
        "proj.2.weight": random(width, STATE),
        "proj.2.bias": random(width),
        "proj.3.weight": 1 + random(width),
        "proj.3.bias": random(width),
    }


def save_ip_adapter(folder: Path, model: Path, seed: int = 0, form: Form = "plain") -> Path:
    """Writes ``models/`` with one for the model in a folder, and returns ``folder``."""
    place = folder / "models"
    place.mkdir(parents=True)
    save_weights(place, model, seed, form)
    image_encoder(seed).save_pretrained(place / "image_encoder")
    return folder


def save_weights(place: Path, model: Path, seed: int = 0, form: Form = "plain") -> Path:
    """Writes the file of one for the model in a folder, and returns it."""
    name = "ip-adapter" if form == "plain" else f"ip-adapter-{form}"
    file = place / f"{name}_sd15.safetensors"
    save_file(adapter_tensors(UNet2DConditionModel.from_pretrained(model / "unet"), seed, form), file)
    return file


def image_encoder(seed: int = 0, **sizes: int) -> CLIPVisionModelWithProjection:
    """A tiny one, whose ``sizes`` may be others; the same seed gives the same weights."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        own = {"hidden_size": STATE, "projection_dim": EMBEDDING, "image_size": SIDE, "patch_size": PATCH}
        config = CLIPVisionConfig(intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, **{**own, **sizes})
        return CLIPVisionModelWithProjection(config).eval()


def save_picture(path: Path, seed: int = 0) -> Path:
    """Writes a picture of noise, whose middle square is the whole of it."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path
