"""Whether a model is whole: each of its parts is loaded, one at a time, and looked through."""

from __future__ import annotations

from typing import Any, Mapping

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from vp2p.errors import ModelError
from vp2p.models.folder import ModelFolder
from vp2p.models.loading import load_part, quiet_libraries
from vp2p.models.parts import SECOND
from vp2p.models.scheduling import ddim_scheduler
from vp2p.models.tokenizing import load_second_tokenizer, load_tokenizer

_CLASSES: Mapping[str, Any] = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    SECOND: CLIPTextModelWithProjection,
}


def check_whole(model: ModelFolder) -> Mapping[str, int]:
    """How many numbers each network of a model has.

    Raises:
        ModelError: a part cannot be loaded, lacks a tensor, or holds numbers that are not finite.
    """
    ddim_scheduler(model.scheduler)
    with quiet_libraries():
        load_tokenizer(model)
        load_second_tokenizer(model)
        return {part: _parameters(model, part) for part in _CLASSES if part in model.parts}


def _parameters(model: ModelFolder, part: str) -> int:
    # bfloat16 reaches as far as float32, and needs half of the room.
    network = load_part(_CLASSES[part], model, part, torch_dtype=torch.bfloat16)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ModelError(
                f"{model.parts[part].place} is damaged: its tensor {name} holds numbers that are not finite.",
                "copy or download the model again",
            )
    return sum(one.numel() for one in network.parameters())
