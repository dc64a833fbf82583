"""LoRAs for tiny models, saved by peft and diffusers themselves; only used where peft is installed."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from diffusers.utils import convert_all_state_dict_to_peft, convert_state_dict_to_kohya
from safetensors.torch import load_file, save_file
from torch import Tensor

from vp2p.models.loading import LatentModel

_UNET, _TEXT = ["to_q", "to_v", "to_out.0", "conv1"], ["q_proj", "k_proj", "v_proj", "out_proj", "fc1"]


@dataclass(frozen=True)
class Adapted:
    """Networks with a LoRA of random weights, as peft runs it unfused."""

    unet: Any
    text_encoder: Any
    text_encoder_2: Any = None

    def save_adapter(self, folder: Path) -> Path:
        """The UNet's alone, as diffusers saves one."""
        self.unet.save_lora_adapter(folder, adapter_name="default")
        return folder

    def save_both(self, folder: Path) -> Path:
        """Of both networks, as a pipeline saves them."""
        StableDiffusionPipeline.save_lora_weights(
            folder,
            unet_lora_layers=_state(self.unet),
            text_encoder_lora_layers=_state(self.text_encoder),
            unet_lora_adapter_metadata=self.unet.peft_config["default"].to_dict(),
            text_encoder_lora_adapter_metadata=self.text_encoder.peft_config["default"].to_dict(),
        )
        return folder

    def save_all(self, folder: Path) -> Path:
        """Of the UNet and two text encoders, as a pipeline of Stable Diffusion XL saves them."""
        networks = {"unet": self.unet, "text_encoder": self.text_encoder, "text_encoder_2": self.text_encoder_2}
        layers = {f"{name}_lora_layers": _state(network) for name, network in networks.items()}
        settings = {
            f"{name}_lora_adapter_metadata": network.peft_config["default"].to_dict()
            for name, network in networks.items()
        }
        StableDiffusionXLPipeline.save_lora_weights(folder, **layers, **settings)
        return folder

    def save_kohya(self, file: Path, alpha: float) -> Path:
        """In the form of kohya-ss's scripts, which most LoRAs for other programs have."""
        if self.text_encoder_2 is not None:
            self.save_all(file.parent / "own")
        else:
            self.save_both(file.parent / "own")
        tensors = load_file(file.parent / "own" / "pytorch_lora_weights.safetensors")
        found = convert_state_dict_to_kohya(convert_all_state_dict_to_peft(tensors))
        found |= {name: torch.tensor(alpha) for name in found if name.endswith(".alpha")}
        save_file({name: tensor.contiguous() for name, tensor in found.items()}, file)
        return file


def adapted(model: LatentModel, rank: int = 4, alpha: float = 8, seed: int = 0) -> Adapted:
    """Copies of a model's networks with a LoRA."""
    from peft import LoraConfig

    parts = (model.unet, model.text_encoder, model.text_encoder_2)
    networks = [copy.deepcopy(part).eval() for part in parts if part is not None]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for network, layers in zip(networks, (_UNET, _TEXT, _TEXT)):
            network.add_adapter(
                LoraConfig(r=rank, lora_alpha=alpha, init_lora_weights=False, target_modules=layers), "default"
            )
    return Adapted(*networks)


def _state(network: Any) -> dict[str, Tensor]:
    from peft.utils import get_peft_model_state_dict

    return get_peft_model_state_dict(network)
