"""From the model's settings to a checked model, of which no weights are loaded yet."""

from __future__ import annotations

import dataclasses

from vp2p.errors import ModelError
from vp2p.models.checkpoint import read_checkpoint
from vp2p.models.controlnets import check_fits, find_controlnet
from vp2p.models.folder import ModelFolder, read_folder
from vp2p.models.ip_adapters import find_ip_adapter
from vp2p.models.loras import find_lora
from vp2p.models.sources import find_model
from vp2p.models.vaes import EXAMPLE, find_vae
from vp2p.settings import ModelSettings


def open_model(settings: ModelSettings, download: bool = True) -> ModelFolder:
    """The model that ``settings`` name, checked; a hub id is downloaded first, where it is not at hand.

    Args:
        download: whether it may be; else a model that is not at hand is an error.

    Raises:
        ModelError: it cannot be found, is of no supported kind, or its files are damaged.
    """
    loras = tuple(map(find_lora, settings.lora))
    # What has a scale of 0 changes nothing: the model, and its identity, are those without it.
    model = _plain(settings, download)
    if settings.vae is not None:
        part, config = find_vae(settings.vae, model.unet, model.places.root / "vae", settings.variant)
        model = dataclasses.replace(model, vae=config, parts={**model.parts, "vae": part})
    if "vae" not in model.parts:
        raise ModelError(f"{model.path} is a checkpoint without a VAE.", f"add --vae FILE, or --vae {EXAMPLE}")
    controlnets = tuple(find_controlnet(text, settings.variant, download) for text in settings.control)
    for net in controlnets:
        check_fits(net, model.unet)
    adapter = settings.ip_adapter
    return dataclasses.replace(
        model,
        ip_adapter=None if adapter is None else find_ip_adapter(adapter, model.unet, settings.variant, download),
        loras=tuple(lora for lora in loras if lora.scale),
        controlnets=tuple(net for net in controlnets if net.scale),
    )


def _plain(settings: ModelSettings, download: bool) -> ModelFolder:
    """The model without LoRAs and ControlNets, and with the VAE that it has, if any."""
    path = find_model(settings.model, settings.variant, download)
    prediction = None if settings.prediction_type == "auto" else settings.prediction_type
    if path.is_file():
        if settings.variant is not None:
            raise ModelError(
                f"--variant is for a folder or a hub id, but {settings.model} is one file.", "leave out --variant"
            )
        return read_checkpoint(path, settings.model_config, prediction)
    if settings.model_config is not None:
        raise ModelError(
            f"--model-config is for a checkpoint in one file, but {settings.model} has configurations of its own.",
            "leave out --model-config",
        )
    return read_folder(path, prediction, settings.variant)
