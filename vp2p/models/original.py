"""Networks from one-file checkpoints: the layout of the original Stable Diffusion, converted by diffusers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from diffusers.loaders import single_file_utils
from safetensors import safe_open
from torch import Tensor

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "unet": ("model.diffusion_model.",),
    "vae": ("first_stage_model.", ""),  # or none, in the file of a VAE alone
    "text_encoder": ("cond_stage_model.", "conditioner.embedders.0."),
    "text_encoder_2": ("conditioner.embedders.1.",),
}
"""How the tensors of each part are called in such a file: those of the first that is there."""

_OPEN_CLIP = ("cond_stage_model.model.", "conditioner.embedders.1.model.")
_diffusers: Any = single_file_utils  # has no annotations


def load_original(cls: Any, config: Path, file: Path, part: str) -> tuple[Any, list[str]]:
    """A network of ``cls`` with the weights that ``file`` has of ``part``, and the tensors that it lacks.

    Args:
        config: the folder of the network's config.json, in diffusers' form.
        part: a key of :data:`PREFIXES`.

    Raises:
        RuntimeError: a tensor has another shape than the configuration says.
    """
    network = _unloaded(cls, config)
    tensors = next(filter(None, (_read(file, prefix) for prefix in PREFIXES[part])), {})
    converted = _converted(part, tensors, network)
    return network, sorted(network.load_state_dict(converted, strict=False).missing_keys)


def _unloaded(cls: Any, config: Path) -> Any:
    if hasattr(cls, "load_config"):  # of diffusers, else of transformers
        return cls.from_config(cls.load_config(str(config), local_files_only=True))
    return cls(cls.config_class.from_pretrained(str(config), local_files_only=True))


def _read(file: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``; averaged ones (EMA) in the place of those trained on."""
    with safe_open(str(file), "pt") as stream:
        names = [name for name in stream.keys() if name.startswith(prefix)]
        known = set(stream.keys())
        averaged = {name: "model_ema." + name.partition(".")[2].replace(".", "") for name in names}
        ema = bool(names) and all(other in known for other in averaged.values())
        return {name: stream.get_tensor(averaged[name] if ema else name) for name in names}


def _converted(part: str, tensors: dict[str, Tensor], network: Any) -> Mapping[str, Tensor]:
    """The tensors by the names that diffusers and transformers give them."""
    found: Mapping[str, Tensor]
    if part == "unet":
        found = _diffusers.convert_ldm_unet_checkpoint(tensors, network.config)
        return found
    if any(name.startswith("decoder.up_blocks.") for name in tensors):  # a VAE in diffusers' layout
        return tensors
    if part == "vae":
        found = _diffusers.convert_ldm_vae_checkpoint(tensors, network.config)
        return found
    open_clip = next((one for one in _OPEN_CLIP if any(name.startswith(one) for name in tensors)), None)
    if open_clip is not None:
        found = _diffusers.convert_open_clip_checkpoint(network, tensors, prefix=open_clip)
    else:
        found = _diffusers.convert_ldm_clip_checkpoint(tensors)
    # transformers 5.6 and later call them without text_model. in encoders alone, as some old files do.
    prefix = "text_model." if hasattr(network, "text_model") else ""
    return {
        name if name.startswith("text_projection") else prefix + name.removeprefix("text_model."): tensor
        for name, tensor in found.items()
    }
