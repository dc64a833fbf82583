"""What a folder holds, by its configuration and by the names of its weights' tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.header import read_header
from vp2p.models.image_encoder import PARTS as ADAPTERS
from vp2p.models.json_files import read_mapping
from vp2p.models.kinds import PARTS, UNKNOWN, Kind, controlnet, ip_adapter, other_kind, vae
from vp2p.models.weights import PICKLES
from vp2p.text import shorten, typed

# By what transformers calls them.
_NETWORKS: Mapping[str, tuple[str, str, str]] = {
    "sam2_video": ("a SAM 2 model", "finds masks", "vp2p mask --segmenter"),
    "grounding-dino": ("a Grounding DINO model", "finds masks", "vp2p mask --detector"),
    "clip": ("a CLIP model", "measures edits", "vp2p eval --clip-model"),
}


def held(folder: Path) -> Kind | None:
    """What a folder holds; None for what is not known, and for a checkpoint."""
    if (folder / "model_index.json").is_file() or (folder / "unet").is_dir():
        return Kind("a whole model", f"--model {typed(str(folder))}")
    adapters = [file for place in ("", *ADAPTERS) for file in (folder / place).glob("ip-adapter*")]
    if any(file.suffix in (".safetensors", *PICKLES) for file in adapters):
        return ip_adapter(folder)
    try:
        return _by_config(folder, read_mapping(folder / "config.json"))
    except ModelError:
        return _by_weights(folder)


def holds_no(what: str, folder: Path, lacks: str) -> str:
    """The cause where a folder holds no ``what``: what it holds instead, or that there is no file ``lacks`` in it."""
    kind = held(folder)
    other = kind is not None and what not in kind.name  # else it is one, but not whole
    instead = f"; it holds {kind.name}" if kind and other else f": there is no {lacks} in it"
    return f"The folder {folder} holds no {what}{instead}."


def network(config: Mapping[str, Any]) -> str:
    """The class of a network, by its configuration; empty where that does not say it."""
    architectures = config.get("architectures")
    name = config.get("_class_name") or (architectures[0] if isinstance(architectures, list) and architectures else "")
    return shorten(name, 80).strip("'\"") if isinstance(name, str) else ""


def _by_config(folder: Path, config: Mapping[str, Any]) -> Kind | None:
    other = _NETWORKS.get(str(config.get("model_type")))
    if other:
        name, does, command = other
        hint = f"give --model a model that edits; this one is for {command} {typed(str(folder))}"
        return Kind(f"{name}, which {does} and edits nothing", hint)
    name = network(config)
    made = {"ControlNetModel": controlnet, "AutoencoderKL": vae}.get(name)
    if made:
        return made(folder)
    return Kind(f"a {name} alone, which is one part of a model", PARTS) if name else _by_weights(folder)


def _by_weights(folder: Path) -> Kind | None:
    """What the one file of weights in a folder is."""
    files = list(folder.glob("*.safetensors"))
    try:
        kind = other_kind(files[0], read_header(files[0])) if len(files) == 1 else None
    except ModelError:
        return None
    return None if kind == UNKNOWN else kind
