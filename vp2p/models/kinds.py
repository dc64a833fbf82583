"""What kind of model a file or a folder holds, by its tensors' names or its pipeline's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.header import Header
from vp2p.text import typed

HINT = "give --model a Stable Diffusion 1.x, 2.x or XL model, or sprites"
PARTS = "give --model the folder that holds unet/, vae/, text_encoder/, tokenizer/ and scheduler/"
REFINER = "a Stable Diffusion XL refiner, which finishes pictures of another model and does not follow a clip"
_UNET = "model.diffusion_model."
_ENCODERS = ("cond_stage_model.", "conditioner.")

LORA_MARKS = (".lora", "lora_", ".hada_", ".lokr_")
"""What the names of a LoRA's tensors hold, and those of its relatives."""

_INPUTS = {
    5: "a depth-guided model",
    7: "an upscaler",
    8: "an image-conditioned model, such as InstructPix2Pix",
    9: "an inpainting model",
}
"""What a UNet is that reads so many channels, where it is not the 4 of latents."""

# By the start of a pipeline's class; the longest that fits counts.
_PIPELINES: Mapping[str, str] = {
    "StableDiffusion3": "a Stable Diffusion 3 model",
    "StableDiffusionInpaint": _INPUTS[9],
    "StableDiffusionXLInpaint": _INPUTS[9],
    "StableDiffusionInstructPix2Pix": _INPUTS[8],
    "StableDiffusionXLInstructPix2Pix": _INPUTS[8],
    "StableDiffusionUpscale": _INPUTS[7],
    "StableDiffusionLatentUpscale": _INPUTS[7],
    "StableDiffusionDepth2Img": _INPUTS[5],
    "StableVideoDiffusion": "a Stable Video Diffusion model, which makes videos of pictures",
    "StableCascade": "a Stable Cascade model",
    "Wuerstchen": "a Würstchen model",
    "Flux": "a Flux model",
    "PixArt": "a PixArt model",
    "Kandinsky": "a Kandinsky model",
    "Lumina": "a Lumina model",
    "Sana": "a Sana model",
    "QwenImage": "a Qwen-Image model",
    "HiDream": "a HiDream model",
    "AuraFlow": "an AuraFlow model",
    "HunyuanDiT": "a Hunyuan-DiT model",
    "IF": "a DeepFloyd IF model, which works on pixels",
    "AnimateDiff": "an AnimateDiff model, which makes videos of its own",
    "TextToVideo": "a text-to-video model",
    "Wan": "a Wan video model",
    "CogVideoX": "a CogVideoX video model",
    "HunyuanVideo": "a HunyuanVideo model",
    "LTX": "an LTX video model",
    "Mochi": "a Mochi video model",
    "Cosmos": "a Cosmos video model",
    "Allegro": "an Allegro video model",
    "Latte": "a Latte video model",
}


@dataclass(frozen=True)
class Kind:
    """What a file is that is no whole Stable Diffusion model, and what to do with it."""

    name: str
    hint: str = HINT

    def error(self, path: Path) -> ModelError:
        return ModelError(
            f"{path} is {self.name}; vp2p edits by models of Stable Diffusion 1.x, 2.x and XL.", self.hint
        )


UNKNOWN = Kind("no model of a kind that is known")


def inputs_kind(channels: int) -> str | None:
    """What a UNet that reads so many channels is made for, where it is no plain model."""
    return _INPUTS.get(channels)


def pipeline_kind(name: str) -> str | None:
    """What the models are whose model_index.json names this pipeline; None for those that may be usable."""
    fitting = [start for start in _PIPELINES if name.startswith(start)]
    return _PIPELINES[max(fitting, key=len)] if fitting else None


def family(unet: Mapping[str, Any], scheduler: Mapping[str, Any]) -> str:
    """What a usable model is, by the width of its cross-attention and what its UNet predicts."""
    names = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 2048: "Stable Diffusion XL"}
    name = names.get(unet.get("cross_attention_dim", 1280))
    predicts = ", v-prediction" if scheduler.get("prediction_type") == "v_prediction" else ""
    return (name or "like Stable Diffusion, of other sizes") + predicts


def other_kind(file: Path, header: Header) -> Kind | None:
    """What a safetensors file is, unless it is a whole model in the original layout."""
    names = header.shapes
    if header.has("ip_adapter."):  # some also hold LoRAs
        return ip_adapter(file)
    if any(mark in name for name in names for mark in LORA_MARKS):
        return lora(file)
    if header.has("control_model.", "controlnet_cond_embedding."):
        return controlnet(file.parent if header.has("controlnet_cond_embedding.") else None)
    if header.has("emb_params", "string_to_param"):
        return Kind("a textual inversion, which adds a word to a model")
    if header.has("conditioner.embedders.0.model."):
        return Kind(REFINER)
    if header.has(_UNET + "input_blocks."):
        return _of_original(file, header)
    if header.has("decoder.up.", "decoder.up_blocks.", "first_stage_model.decoder.up."):
        return vae(file)
    name = _known_to_diffusers(header)
    if name is not None:
        return Kind(f"a model of the kind {name}")
    part = next((part for start, part in _ALONE.items() if header.has(start)), None)
    if part is not None:
        return Kind(f"{part} alone, which is one part of a model", PARTS)
    return UNKNOWN


def ip_adapter(path: Path) -> Kind:
    """An IP-Adapter in a file or a folder."""
    return Kind("an IP-Adapter, which shows pictures to a model and is none by itself", _beside("--ip-adapter", path))


def lora(path: Path) -> Kind:
    """A LoRA in a file or a folder."""
    return Kind("a LoRA, which changes a model and is none by itself", _beside("--lora", path))


def controlnet(folder: Path | None) -> Kind:
    """A ControlNet in a folder; None for one in a single file, which nothing takes."""
    hint = f"{_beside('--control', Path(f'canny={folder}'))}, or its own kind" if folder else HINT
    return Kind("a ControlNet, which steers a model and is none by itself", hint)


def vae(path: Path) -> Kind:
    """A VAE in a file or a folder."""
    return Kind("a VAE alone, which is one part of a model", _beside("--vae", path))


def _beside(option: str, path: Path) -> str:
    return f"give --model the model that it was made for, and {option} {typed(str(path))}"


# By how the names of its tensors begin.
_ALONE = {
    "down_blocks.": "a UNet",
    "vision_model.": "an image encoder",
    "text_model.": "a text encoder",
    "embeddings.token_embedding.": "a text encoder",
}


def _of_original(file: Path, header: Header) -> Kind | None:
    """What a UNet in the original layout is made for, and what its file lacks."""
    if any("time_stack" in name or "temporal" in name or "motion_modules" in name for name in header.shapes):
        return Kind("a video model, whose UNet has layers over time of its own")
    if header.has(_UNET + "label_emb.") and not header.has(*_ENCODERS):
        return Kind("a Stable Diffusion XL model without text encoders, or an upscaler")
    if "ztsnr" in header.shapes:
        return Kind("a model of zero terminal SNR, from which DDIM inversion cannot start")
    first = header.shapes.get(_UNET + "input_blocks.0.0.weight", ())
    made_for = inputs_kind(first[1]) if len(first) == 4 else None
    if made_for is not None:
        return Kind(made_for)
    if not header.has(*_ENCODERS):
        return Kind(
            "a checkpoint without a text encoder",
            "give --model a whole checkpoint, or a folder in diffusers' format",
        )
    return None


def _known_to_diffusers(header: Header) -> str | None:
    """The kind that diffusers' single-file loader would take it for; None where it knows none."""
    from diffusers.loaders import single_file_utils

    diffusers: Any = single_file_utils  # has no annotations
    try:
        found = diffusers.infer_diffusers_model_type({name: _Shaped(shape) for name, shape in header.shapes.items()})
    except Exception:  # it is made for whole files of the kinds that it knows
        return None
    return None if found in ("v1", "v2") else str(found)  # v1 is its answer to all that it does not know


@dataclass(frozen=True)
class _Shaped:
    shape: tuple[int, ...]
