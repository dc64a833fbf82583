"""Models in one file, in the layout of the original Stable Diffusion: diffusers' names put back to its names."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor
from transformers import CLIPTextModel, CLIPTextModelWithProjection

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
_OUTER = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
_CLIP = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}


def save_original(folder: Path, file: Path, metadata: dict[str, str] | None = None) -> Path:
    """Writes the model folder ``folder`` as one checkpoint, ``file``; OpenCLIP's names where its UNet has linear
    projections, as Stable Diffusion 2.x, and for the second of two text encoders, as Stable Diffusion XL."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet")
    vae = AutoencoderKL.from_pretrained(folder / "vae")
    text = CLIPTextModel.from_pretrained(folder / "text_encoder")
    tensors = {f"model.diffusion_model.{name}": tensor for name, tensor in original_unet(unet).items()}
    tensors |= {f"first_stage_model.{name}": tensor for name, tensor in original_vae(vae).items()}
    if (folder / "text_encoder_2").exists():
        second = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2")
        tensors |= _clip(text, "conditioner.embedders.0.") | _open_clip(second, "conditioner.embedders.1.")
    else:
        tensors |= (_open_clip if unet.config.use_linear_projection else _clip)(text, "cond_stage_model.")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file, metadata)
    return file


def original_unet(unet: UNet2DConditionModel) -> dict[str, Tensor]:
    attending = {match[1] for name in unet.state_dict() if (match := re.match(r"up_blocks\.(\d+)\.attentions", name))}
    layers = unet.config.layers_per_block
    return {_unet_name(name, layers, attending): tensor for name, tensor in unet.state_dict().items()}


def _unet_name(name: str, layers: int, attending: set[str]) -> str:
    stem, _, kind = name.rpartition(".")
    if stem in _OUTER:
        return f"{_OUTER[stem]}.{kind}"
    match = re.fullmatch(
        r"(down|up|mid)_block(?:s\.(\d+))?\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.*)", name
    )
    assert match, name
    way, block, what, at, rest = match[1], int(match[2] or 0), match[3], int(match[4]), match[5]
    if what == "resnets":
        rest = re.sub("|".join(_RESNET), lambda found: _RESNET[found[0]], rest)
    if way == "mid":
        return f"middle_block.{2 * at if what == 'resnets' else 1}.{rest}"
    place = 0 if what == "resnets" else 1
    if way == "down":
        if what == "downsamplers":
            return f"input_blocks.{(layers + 1) * (block + 1)}.0.op.{kind}"
        return f"input_blocks.{(layers + 1) * block + at + 1}.{place}.{rest}"
    if what == "upsamplers":
        place = 2 if match[2] in attending else 1
        return f"output_blocks.{(layers + 1) * block + layers}.{place}.conv.{kind}"
    return f"output_blocks.{(layers + 1) * block + at}.{place}.{rest}"


def original_vae(vae: AutoencoderKL) -> dict[str, Tensor]:
    last = len(vae.config.block_out_channels) - 1
    found = {}
    for name, tensor in vae.state_dict().items():
        name = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
        name = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
        name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", name)
        name = re.sub(r"up_blocks\.(\d+)\.resnets", lambda level: f"up.{last - int(level[1])}.block", name)
        name = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda level: f"up.{last - int(level[1])}.upsample", name)
        name = re.sub(r"mid_block\.resnets\.(\d)", lambda at: f"mid.block_{int(at[1]) + 1}", name)
        if "mid_block.attentions.0" in name:
            for ours, theirs in {
                "group_norm": "norm",
                "to_out.0": "proj_out",
                "to_q": "q",
                "to_k": "k",
                "to_v": "v",
            }.items():
                name = name.replace(ours, theirs)
            name = name.replace("mid_block.attentions.0", "mid.attn_1")
            if name.endswith("weight") and tensor.ndim == 2:
                tensor = tensor[:, :, None, None]
        found[name] = tensor
    return found


def _clip(text: CLIPTextModel, start: str) -> dict[str, Tensor]:
    names = {name: name.removeprefix("text_model.") for name in text.state_dict()}
    return {f"{start}transformer.text_model.{names[name]}": tensor for name, tensor in text.state_dict().items()}


def _open_clip(text: CLIPTextModel | CLIPTextModelWithProjection, start: str) -> dict[str, Tensor]:
    """With a projection that the model may not use, as Stable Diffusion 2.x has one."""
    states = {name.removeprefix("text_model."): tensor for name, tensor in text.state_dict().items()}
    found = {
        "token_embedding.weight": states["embeddings.token_embedding.weight"],
        "positional_embedding": states["embeddings.position_embedding.weight"],
        "ln_final.weight": states["final_layer_norm.weight"],
        "ln_final.bias": states["final_layer_norm.bias"],
        "text_projection": states.get("text_projection.weight", torch.eye(text.config.hidden_size)).T,
    }
    for layer in range(text.config.num_hidden_layers):
        ours, theirs = f"encoder.layers.{layer}.", f"transformer.resblocks.{layer}."
        for kind in ("weight", "bias"):
            joined = torch.cat([states[f"{ours}self_attn.{one}_proj.{kind}"] for one in "qkv"])
            found[f"{theirs}attn.in_proj_{kind}"] = joined
            found |= {f"{theirs}{new}.{kind}": states[f"{ours}{old}.{kind}"] for old, new in _CLIP.items()}
    return {f"{start}model.{name}": tensor for name, tensor in found.items()}
