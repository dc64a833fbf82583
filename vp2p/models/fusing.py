"""LoRAs fused into the weights of a model, so that all that follows works on it as on any other."""

from __future__ import annotations

import json
from typing import Any, Mapping

from torch import Tensor, nn

from vp2p.errors import ModelError
from vp2p.models.loras import Lora
from vp2p.models.parts import SECOND

_NAME = "vp2p"  # of the adapter, while there is one
_UNET, _TEXT = "unet", "text_encoder"
Networks = Mapping[str, Any]


def fuse_lora(lora: Lora, unet: Any, text_encoder: Any, text_encoder_2: Any = None) -> None:
    """Adds a LoRA, times its scale, to the weights of the UNet and the text encoders (LoRA, equation 3).

    Any form that diffusers reads: its own, peft's, and that of kohya-ss's scripts.

    Raises:
        ModelError: peft is not installed, or the LoRA was made for a model of other sizes.
    """
    try:
        import peft  # noqa: F401 - diffusers loads LoRAs by it
    except ImportError as error:
        raise ModelError("LoRAs need the package peft, which is not installed.", "pip install peft") from error
    from diffusers.loaders import lora_pipeline

    diffusers: Any = lora_pipeline  # has no annotations
    networks: Networks = {_UNET: unet, _TEXT: text_encoder}
    loader = diffusers.StableDiffusionLoraLoaderMixin
    if text_encoder_2 is not None:
        networks = {**networks, SECOND: text_encoder_2}
        loader = diffusers.StableDiffusionXLLoraLoaderMixin
    try:
        tensors, alphas, settings = _read(loader, lora, networks)
        _check_names(tensors, networks)
        for name, network in networks.items():
            if not _of(name, tensors):
                continue
            options = {"adapter_name": _NAME, "metadata": settings}
            if name == _UNET:
                loader.load_lora_into_unet(tensors, alphas, network, **options)
            else:
                loader.load_lora_into_text_encoder(tensors, alphas, network, prefix=name, **options)
    except ModelError:
        raise
    except Exception as error:  # the libraries raise every kind of error for damaged or misfitting files
        reason = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise _misfit(lora, reason[-1]) from error
    if not sum(_fuse(network, lora.scale) for network in networks.values()):
        raise _misfit(lora, "none of its tensors is of a layer that the model has")


def _of(network: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a network, without its name."""
    start = f"{network}."
    return {name.removeprefix(start): tensor for name, tensor in tensors.items() if name.startswith(start)}


def _read(loader: Any, lora: Lora, networks: Networks) -> tuple[dict[str, Tensor], Any, Mapping[str, Any] | None]:
    """Its tensors by diffusers' names, the alphas that stand among them, and the settings that stand beside them."""
    tensors, alphas, settings = loader.lora_state_dict(
        str(lora.file.parent),
        weight_name=lora.file.name,
        use_safetensors=True,
        local_files_only=True,
        unet_config=networks[_UNET].config,
        return_lora_metadata=True,
    )
    if settings is None and lora.config is not None:
        settings = json.loads(lora.config.read_bytes())
    if not any(_of(network, tensors) for network in networks):  # of one network alone
        network = _TEXT if any("encoder.layers." in name for name in tensors) else _UNET
        tensors = {f"{network}.{name.removeprefix('base_model.model.')}": tensor for name, tensor in tensors.items()}
        settings = settings and {f"{network}.{key}": value for key, value in settings.items()}
    return tensors, alphas, settings


def _check_names(tensors: Mapping[str, Tensor], networks: Networks) -> None:
    """Raises ValueError for tensors of layers that the model lacks, which the libraries pass over."""
    from diffusers.utils import state_dict_utils

    diffusers: Any = state_dict_utils  # has no annotations
    for network, layers in networks.items():
        own = _of(network, tensors)
        if own and network != _UNET:
            own = diffusers.convert_state_dict_to_peft(diffusers.convert_state_dict_to_diffusers(own))
        elif own and not any("lora_A" in name for name in own):
            own = diffusers.convert_unet_state_dict_to_peft(own)
        known = {name.removeprefix("text_model.") for name, _ in layers.named_modules()}
        for name in own:
            layer = name.partition(".lora_")[0].removeprefix("text_model.")
            if layer not in known:
                raise ValueError(f"the model has no layer {layer}")
    starts = tuple(f"{network}." for network in networks)
    other = next((name for name in tensors if not name.startswith(starts)), None)
    if other is not None:
        raise ValueError(f"the model has no layer {other}")


def _fuse(network: nn.Module, scale: float) -> int:
    """Merges the adapter's layers into those that they change, and takes them away again; returns how many."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, BaseTunerLayer)}
    for name, layer in layers.items():
        adapted: Any = layer
        adapted.set_scale(_NAME, scale)
        adapted.merge(adapter_names=[_NAME])
        network.set_submodule(name, adapted.get_base_layer())
    if layers:
        del network.peft_config
        network._hf_peft_config_loaded = False  # type: ignore[assignment]
    return len(layers)


def _misfit(lora: Lora, why: str) -> ModelError:
    return ModelError(
        f"The LoRA {lora.file} does not fit the model: {why}.",
        "give --model the kind of model that it was made for, or leave out --lora",
    )
