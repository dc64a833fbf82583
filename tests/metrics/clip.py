"""A tiny random CLIP model in transformers' folder format."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from tests.tiny import save_tokenizer, vocabulary_size

TOKENS, SIDE = 20, 24


def save_clip_model(folder: Path, seed: int = 0) -> Path:
    """Writes it, its tokenizer and what its image processor does; the same seed gives the same weights."""
    save_tokenizer(folder, TOKENS, "<|endoftext|>", as_one_file=False)
    size = vocabulary_size()
    layers = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    words = {"vocab_size": size, "bos_token_id": size - 2, "eos_token_id": size - 1, "pad_token_id": size - 1}
    config = CLIPConfig(
        text_config=layers | words | {"max_position_embeddings": TOKENS},
        vision_config=layers | {"image_size": SIDE, "patch_size": 8},
        projection_dim=16,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = CLIPModel(config)
        for parameter in model.parameters():  # as they are drawn, all pictures would look nearly the same
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size=SIDE).save_pretrained(folder)
    return folder
