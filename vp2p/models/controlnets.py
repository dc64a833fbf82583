"""ControlNets, which hold a model to the structure of a clip: what ``--control KIND=PATH[:scale]`` names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.header import read_header
from vp2p.models.held import holds_no, network
from vp2p.models.hub import snapshot
from vp2p.models.json_files import read_mapping
from vp2p.models.named import Option
from vp2p.models.parts import STEMS, FolderPart
from vp2p.models.scaled import parted, scaled
from vp2p.models.weights import find_weights
from vp2p.settings import kind_and_path
from vp2p.text import shorten

_STEM = STEMS["unet"]
_FILES = ("config.json", f"{_STEM}.safetensors")
_EXAMPLE = "lllyasviel/control_v11p_sd15_canny"
# What must be alike, so that it can read what the UNet reads, and each of its outputs has the shape of what it is added
# to. The libraries' defaults. How many transformer layers it has is its own affair: small ones of XL have none.
_ALIKE: Mapping[str, Any] = {
    "in_channels": 4,
    "cross_attention_dim": 1280,
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "addition_embed_type": None,
    "addition_time_embed_dim": None,
    "projection_class_embeddings_input_dim": None,
}
# What else it may be, the libraries' default first. One that pools its outputs over the picture keeps no structure, and
# its pipeline leaves it out of the unconditional pass.
_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "class_embed_type": (None,),
    "encoder_hid_dim_type": (None,),
    "global_pool_conditions": (False, None),
    "controlnet_conditioning_channel_order": ("rgb", "bgr"),
}
_UNION = ("task_embedding", "control_add_embedding.")  # tensors of a network that must be told which kind it is shown


@dataclass(frozen=True)
class ControlNetFolder:
    """A ControlNet whose files are there: the kind of its pictures, and how strongly it acts, from 0 on."""

    kind: str
    part: FolderPart
    config: Mapping[str, Any]
    scale: float


def located_control(text: str) -> str:
    """``KIND=PATH[:scale]`` in a form that means the same from any current folder."""
    option, kind, rest = _option(text)
    name, scale = parted(rest, option)
    return f"{kind}={option.located(name)}{scale}"


def find_controlnet(text: str, variant: str | None = None, download: bool = True) -> ControlNetFolder:
    """The ControlNet that ``KIND=PATH[:scale]`` names: a folder in diffusers' format, or a hub id, as for a model.

    Args:
        variant: of the weights, where the user asks for one and it has them.
        download: whether a hub id may be, where it is not at hand.

    Raises:
        UsageError: there is no such kind.
        ModelError: it is not there, is of another kind, or the scale is no number from 0 on.
    """
    option, kind, rest = _option(text)
    name, scale = scaled(rest, option)
    path, give = option.on_disk(name), option.give
    if path is None:
        path = snapshot(name, _FILES, "--control", download)
    if path.is_file():
        raise ModelError(f"The ControlNet {path} is one file, and only folders in diffusers' format are read.", give)
    config = _config(path, give)
    weights = find_weights(path, _STEM, variant)
    part = FolderPart(path, _STEM, weights.variant)
    if any(read_header(file).has(*_UNION) for file in weights.files):
        raise ModelError(f"The folder {path} has a ControlNet-Union, but a ControlNet of one kind is needed.", give)
    return ControlNetFolder(kind, part, config, scale)


def check_fits(found: ControlNetFolder, unet: Mapping[str, Any]) -> None:
    """Raises ModelError if a ControlNet was made for another UNet than one with this configuration."""
    for name, default in _ALIKE.items():
        own, wanted = found.config.get(name, default), unet.get(name, default)
        if own != wanted:
            raise ModelError(
                f"The ControlNet {found.part.config} does not fit the model: its {name} is {shorten(own, 80)}, but "
                f"the UNet's {shorten(wanted, 80)}.",
                f"give --control {found.kind}=PATH one that was made for the kind of model that --model names",
            )


def _option(text: str) -> tuple[Option, str, str]:
    """The option for the kind of a ControlNet, that kind, and the rest of ``KIND=PATH[:scale]``."""
    kind, rest = kind_and_path(text, "control")
    typed = f"--control {kind}="
    give = f"give {typed}FOLDER in diffusers' format, or a hub id such as {_EXAMPLE}"
    return Option(typed, "ControlNet", give), kind, rest


def _config(folder: Path, give: str) -> Mapping[str, Any]:
    """The checked configuration of a ControlNet in a folder."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(holds_no("ControlNet", folder, "config.json"), give)
    config = read_mapping(file)
    kind = network(config) or "ControlNetModel"
    if kind != "ControlNetModel":
        raise ModelError(f"The folder {folder} has a {kind}, but a ControlNetModel is needed.", give)
    for name, known in _OPTIONS.items():
        if config.get(name, known[0]) not in known:
            raise ModelError(
                f"The ControlNet {folder} has {name} {shorten(config[name])}, which is not supported.", give
            )
    if config.get("conditioning_channels", 3) != 3:
        raise ModelError(f"The ControlNet {folder} reads no pictures of 3 colours.", give)
    return config
