"""The VAE of a model: its own, or another one, which ``--vae`` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.config_types import check_types
from vp2p.models.header import read_header
from vp2p.models.held import holds_no, network
from vp2p.models.hub import snapshot
from vp2p.models.json_files import read_mapping
from vp2p.models.kinds import other_kind
from vp2p.models.named import Option, is_checkpoint
from vp2p.models.parts import STEMS, CheckpointPart, FolderPart, Part
from vp2p.models.weights import find_weights

EXAMPLE = "stabilityai/sd-vae-ft-mse"
_STEM, _CLASS = STEMS["vae"], "AutoencoderKL"
_FILES = ("config.json", f"{_STEM}.safetensors", "vae/config.json", f"vae/{_STEM}.safetensors")
OPTION = Option("--vae ", "VAE", f"give --vae a folder, a .safetensors file or a hub id, such as {EXAMPLE}")


def find_vae(vae: str, unet: Mapping[str, Any], own: Path, variant: str | None) -> tuple[Part, Mapping[str, Any]]:
    """The VAE that ``vae`` names, and its configuration: in a folder of it or of a whole model, a file, or on the hub.

    Args:
        unet: the configuration of the UNet that it is for.
        own: the folder with the configuration of the model's own VAE, which a file alone is taken to have.
        variant: of the weights, where the user asks for one.

    Raises:
        ModelError: it is not there, is no VAE, is damaged, or does not fit.
    """
    path = OPTION.on_disk(vae)
    if path is None:
        path = snapshot(vae, _FILES, "--vae")
    if path.is_dir():
        return _in_folder(path, unet, variant)
    if not is_checkpoint(path):
        raise ModelError(
            f"The VAE {path} is no safetensors file; others can run code and are never opened.", OPTION.give
        )
    if path.name == f"{_STEM}.safetensors" and path.with_name("config.json").is_file():
        return _in_folder(path.parent, unet, variant)  # its own configuration lies beside it
    _check_file(path)
    mend = "give --vae the folder that has its config.json, too, or one that was made for this kind of model"
    return CheckpointPart(own, path, "vae", mend), read_mapping(own / "config.json")


def check_vae(folder: Path, vae: Mapping[str, Any], unet: Mapping[str, Any], hint: str) -> None:
    """Raises ModelError, with the ``hint``, if the VAE in a folder is of another kind, or of other channels."""
    kind = network(vae) or _CLASS
    if kind != _CLASS:
        raise ModelError(f"The folder {folder} has a {kind}, but an {_CLASS} is needed.", hint)
    channels = vae.get("latent_channels", 4)
    reads, gives = unet.get("in_channels", 4), unet.get("out_channels", 4)
    if {reads, gives} != {channels}:
        raise ModelError(
            f"The VAE in {folder} has {channels} channels, but the UNet reads {reads} and gives {gives}.", hint
        )


def _in_folder(folder: Path, unet: Mapping[str, Any], variant: str | None) -> tuple[Part, Mapping[str, Any]]:
    inside = folder / "vae" if (folder / "vae").is_dir() else folder
    file = inside / "config.json"
    if not file.is_file():
        raise ModelError(holds_no("VAE", folder, "config.json"), OPTION.give)
    config = read_mapping(file)
    check_types(file, "vae/config.json", config)
    check_vae(inside, config, unet, OPTION.give)
    return FolderPart(inside, _STEM, find_weights(inside, _STEM, variant).variant), config


def _check_file(file: Path) -> None:
    header = read_header(file)
    if header.has("first_stage_model.", "decoder.up.", "decoder.up_blocks."):
        return
    kind = other_kind(file, header)
    raise ModelError(f"{file} is no VAE; it is {kind.name if kind else 'a model without one'}.", OPTION.give)
