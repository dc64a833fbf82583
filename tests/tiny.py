"""Tiny random models in diffusers' folder format, of the shapes of Stable Diffusion 1.x, 2.x and XL."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPTokenizerFast

from vp2p.models.checkpoint import TOKENIZER

WORDS = (
    "a an the is are on in of and with cat dog rabbit tiger penguin bird horse man car motorbike grass sand snow road"
    " ice red blue green yellow big small jumping running riding driving striped sketch"
).split()

_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
_SHAPES: dict[str, dict[str, Any]] = {
    # Epsilon, one head count, convolutional projections, VAE factor 8, 77 tokens; 128 pixels.
    "sd1": {
        "tokens": 77,
        "pad": "<|endoftext|>",
        "text": {"hidden_size": 32, "num_hidden_layers": 2, "hidden_act": "quick_gelu"},
        "vae": {"block_out_channels": (8, 16, 16, 16), "scaling_factor": 0.18215},
        "unet": {
            "block_out_channels": (32, 32, 64, 64),
            "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
            "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
            "attention_head_dim": 4,
            "layers_per_block": 2,
        },
    },
    # v, head counts as a list, linear projections, VAE factor 4, 32 tokens; 64 pixels.
    "sd2": {
        "tokens": 32,
        "pad": "!",
        "text": {"hidden_size": 48, "num_hidden_layers": 3, "hidden_act": "gelu"},
        "vae": {"block_out_channels": (8, 16, 16), "scaling_factor": 0.25},
        "unet": {
            "block_out_channels": (32, 64, 64),
            "down_block_types": ("CrossAttnDownBlock2D",) * 2 + ("DownBlock2D",),
            "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 2,
            "attention_head_dim": [2, 4, 4],
            "layers_per_block": 1,
            "use_linear_projection": True,
        },
    },
    # Two text encoders and added conditions, blocks deeper than one, none at the finest level, VAE factor 4; 64 pixels.
    "sdxl": {
        "tokens": 32,
        "pad": "<|endoftext|>",
        "text": {"hidden_size": 24, "num_hidden_layers": 2, "hidden_act": "quick_gelu"},
        "text_2": {"hidden_size": 40, "num_hidden_layers": 3, "hidden_act": "gelu", "projection_dim": 32},
        "vae": {"block_out_channels": (8, 16, 16), "scaling_factor": 0.13025, "force_upcast": True},
        "unet": {
            "block_out_channels": (32, 64, 64),
            "down_block_types": ("DownBlock2D",) + ("CrossAttnDownBlock2D",) * 2,
            "up_block_types": ("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",),
            "attention_head_dim": [2, 4, 4],
            "layers_per_block": 1,
            "transformer_layers_per_block": [1, 2, 3],
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 32 + 6 * 8,
        },
    },
}


def save_tiny(folder: Path, kind: Literal["sd1", "sd2"] = "sd1", seed: int = 0) -> Path:
    """Writes a complete model folder and returns it; the same seed gives the same weights."""
    shape = _SHAPES[kind]
    save_tokenizer(folder / "tokenizer", shape["tokens"], shape["pad"], as_one_file=kind == "sd2")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _text_encoder(shape).save_pretrained(folder / "text_encoder")
        _vae(shape).save_pretrained(folder / "vae")
        _unet(shape).save_pretrained(folder / "unet")
    if kind == "sd1":
        PNDMScheduler(**_BETAS, skip_prk_steps=True, steps_offset=1).save_pretrained(folder / "scheduler")
    else:
        scheduler = DDIMScheduler(**_BETAS, clip_sample=False, steps_offset=1, prediction_type="v_prediction")
        scheduler.save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return folder


def save_tiny_xl(folder: Path, seed: int = 0) -> Path:
    """Writes a tiny model of Stable Diffusion XL's kind, as diffusers' own pipeline saves it."""
    shape = _SHAPES["sdxl"]
    tokenizers = []
    for name, pad in (("tokenizer", shape["pad"]), ("tokenizer_2", "!")):
        save_tokenizer(folder / name, shape["tokens"], pad, as_one_file=False)
        tokenizers.append(CLIPTokenizer.from_pretrained(str(folder / name), local_files_only=True))
        shutil.rmtree(folder / name)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pipeline = StableDiffusionXLPipeline(
            vae=_vae(shape),
            text_encoder=_text_encoder(shape),
            text_encoder_2=CLIPTextModelWithProjection(_text_config({**shape, "text": shape["text_2"]})),
            tokenizer=tokenizers[0],
            tokenizer_2=tokenizers[1],
            unet=_unet(shape),
            scheduler=EulerDiscreteScheduler(**_BETAS, timestep_spacing="leading", steps_offset=1),
            add_watermarker=False,
        )
    pipeline.save_pretrained(folder)
    return folder


def save_tokenizer(folder: Path, tokens: int, pad: str, as_one_file: bool) -> None:
    """A CLIP tokenizer in which each of WORDS is one token, and origami two: ori, gami.

    ``as_one_file`` saves the form that transformers writes, else the files that hub models hold.
    """
    merges = _merges([*(f"{word}</w>" for word in WORDS), "ori", "gami</w>"])
    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = [*alphabet, *(f"{char}</w>" for char in alphabet), *("".join(pair) for pair in merges)]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: at for at, token in enumerate(vocabulary)}), "utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": tokens, "pad_token": pad}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if as_one_file:
        tokenizer = CLIPTokenizerFast.from_pretrained(str(folder), local_files_only=True)
        (folder / "vocab.json").unlink()
        (folder / "merges.txt").unlink()
        tokenizer.save_pretrained(folder)


def with_clip_words(model: Path, folder: Path) -> Path:
    """A copy of a model of one text encoder with the real vocabulary of CLIP, which knew words in the small one.

    Prompts of words that are one token in both have the same embeddings, to the last bit.
    """
    shutil.copytree(model, folder)
    small = CLIPTokenizer.from_pretrained(str(model / "tokenizer"), local_files_only=True)
    shutil.rmtree(folder / "tokenizer")
    shutil.copytree(TOKENIZER, folder / "tokenizer")
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": small.model_max_length}
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(config | {"pad_token": small.pad_token}))
    words = CLIPTokenizer.from_pretrained(str(folder / "tokenizer"), local_files_only=True)
    encoder = CLIPTextModel.from_pretrained(model / "text_encoder")
    before = encoder.get_input_embeddings().weight.detach()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        table = torch.randn(len(words), before.shape[1]) * before.std()
    known = words.get_vocab()
    for token, place in small.get_vocab().items():
        if token in known:
            table[known[token]] = before[place]
    encoder.set_input_embeddings(torch.nn.Embedding.from_pretrained(table, freeze=False))
    encoder.config.vocab_size = len(words)
    encoder.config.bos_token_id, encoder.config.eos_token_id = words.bos_token_id, words.eos_token_id
    encoder.config.pad_token_id = words.pad_token_id
    encoder.save_pretrained(folder / "text_encoder")
    return folder


def _merges(pieces: list[str]) -> list[tuple[str, str]]:
    """The byte-pair merges, first to last, by which every piece becomes one token."""
    merges: list[tuple[str, str]] = []
    for piece in pieces:
        ends = piece.endswith("</w>")
        symbols = list(piece.removesuffix("</w>"))
        if ends:
            symbols[-1] += "</w>"
        for pair in merges:
            symbols = _merged(symbols, pair)
        while len(symbols) > 1:
            merges.append((symbols[0], symbols[1]))
            symbols = _merged(symbols, merges[-1])
    return merges


def _merged(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    joined: list[str] = []
    at = 0
    while at < len(symbols):
        fits = tuple(symbols[at : at + 2]) == pair
        joined.append("".join(pair) if fits else symbols[at])
        at += 2 if fits else 1
    return joined


def vocabulary_size() -> int:
    return 512 + len(_merges([*(f"{word}</w>" for word in WORDS), "ori", "gami</w>"])) + 2


def _text_encoder(shape: dict[str, Any]) -> CLIPTextModel:
    return CLIPTextModel(_text_config(shape))


def _text_config(shape: dict[str, Any]) -> CLIPTextConfig:
    size = vocabulary_size()
    return CLIPTextConfig(
        vocab_size=size,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
        max_position_embeddings=shape["tokens"],
        intermediate_size=64,
        num_attention_heads=4,
        **shape["text"],
    )


def _vae(shape: dict[str, Any]) -> AutoencoderKL:
    levels = len(shape["vae"]["block_out_channels"])
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=4,
        norm_num_groups=4,
        **shape["vae"],
    )


def _unet(shape: dict[str, Any]) -> UNet2DConditionModel:
    width = sum(shape[text]["hidden_size"] for text in ("text", "text_2") if text in shape)
    return UNet2DConditionModel(sample_size=16, norm_num_groups=8, cross_attention_dim=width, **shape["unet"])
