"""Model folders of the published sizes, with random weights: ``python -m tests.large.making sd1 FOLDER``.

It is run as a process of its own, since what a process held counts in the peak of those that it starts.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from vp2p.models.checkpoint import LAYOUTS, TOKENIZER

_PIPELINES = {"sd1": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}


def save_full_size(kind: str, folder: Path) -> None:
    """Writes a folder of a kind's published size; the weights are in bfloat16, one part in memory at a time."""
    layout = LAYOUTS / kind
    for cls, part in ((UNet2DConditionModel, "unet"), (AutoencoderKL, "vae")):
        with torch.device("meta"):
            network = cls.from_config(cls.load_config(layout / part))
        _filled(network).save_pretrained(folder / part)
    texts: list[tuple[Any, str]] = [(CLIPTextModel, "text_encoder"), (CLIPTextModelWithProjection, "text_encoder_2")]
    for at, (cls, part) in enumerate(texts):
        if not (layout / part).is_dir():
            continue
        with torch.device("meta"):
            network = cls(CLIPTextConfig.from_pretrained(layout / part))
        _filled(network).save_pretrained(folder / part)
        tokenizer = folder / ("tokenizer", "tokenizer_2")[at]
        shutil.copytree(TOKENIZER, tokenizer)
        config = json.loads((tokenizer / "tokenizer_config.json").read_text())
        pad = ("<|endoftext|>", "!")[at]
        (tokenizer / "tokenizer_config.json").write_text(json.dumps({**config, "pad_token": pad}))
    shutil.copytree(layout / "scheduler", folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": _PIPELINES[kind]}))


@torch.no_grad()
def _filled(network: Any) -> Any:
    """The network with weights that keep what passes it at about its own scale."""
    network = network.to(torch.bfloat16).to_empty(device="cpu")
    for name, parameter in network.named_parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
        else:
            nn.init.constant_(parameter, float(name.endswith("weight")))  # of norms; the rest are biases
    return network


if __name__ == "__main__":
    torch.manual_seed(0)
    save_full_size(sys.argv[1], Path(sys.argv[2]))
