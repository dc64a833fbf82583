"""LoRAs, which change the weights of a model: what ``--lora PATH[:scale]`` names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vp2p.errors import ModelError
from vp2p.models.header import read_header
from vp2p.models.held import holds_no
from vp2p.models.kinds import LORA_MARKS, other_kind
from vp2p.models.named import Option
from vp2p.models.scaled import parted
from vp2p.models.weights import PICKLES
from vp2p.text import typed

CONFIG = "adapter_config.json"
_USUAL = ("pytorch_lora_weights.safetensors", "adapter_model.safetensors")
_RELATIVES = {".hada_": "a LoHa", ".lokr_": "a LoKr", "dora_scale": "a DoRA", "lora_magnitude_vector": "a DoRA"}
_GIVE = "give --lora a .safetensors file or a folder with one, such as --lora toon.safetensors:0.8"
_OPTION = Option("--lora ", "LoRA", _GIVE, on_hub=False)


@dataclass(frozen=True)
class Lora:
    """A LoRA's file, and how strongly it acts: 1 as it was trained, 0 not at all.

    ``config`` is the file of settings that peft saves beside one, where it is there.
    """

    file: Path
    scale: float
    config: Path | None


def located_lora(text: str) -> str:
    """``PATH[:scale]`` in a form that means the same from any current folder."""
    path, scale = parted(text, _OPTION)
    return f"{_OPTION.path(path).absolute()}{scale}" if path else text


def find_lora(text: str) -> Lora:
    """The LoRA that ``PATH[:scale]`` names: a safetensors file, or a folder that holds one.

    Raises:
        ModelError: it is not there, is of another kind, or the scale is no number.
    """
    name, scale = parted(text, _OPTION)
    path = _OPTION.there(name)
    file = _in_folder(path) if path.is_dir() else path
    if file.suffix != ".safetensors":
        raise ModelError(f"The LoRA {file} is no safetensors file; others can run code and are never opened.", _GIVE)
    header = read_header(file)
    relative = next((kind for mark, kind in _RELATIVES.items() if any(mark in name for name in header.shapes)), None)
    if relative is not None:
        raise ModelError(f"{file} is {relative}, which is not supported; plain LoRAs are.", _GIVE)
    if not any(mark in name for name in header.shapes for mark in LORA_MARKS):
        other = other_kind(file, header)
        raise ModelError(f"{file} is no LoRA; it is {other.name if other else 'a whole model'}.", _GIVE)
    config = file.with_name(CONFIG)
    return Lora(file, float(scale[1:] or 1), config if config.is_file() else None)


def _in_folder(folder: Path) -> Path:
    """The LoRA's file in a folder. Raises ModelError if there is none, or more than one that it may be."""
    for name in _USUAL:
        if (folder / name).is_file():
            return folder / name
    files = sorted(folder.glob("*.safetensors"))
    if len(files) > 1:
        several = ", ".join(file.name for file in files[:3])
        raise ModelError(
            f"The folder {folder} holds several files: {several}.",
            f"give --lora one of them: --lora {typed(str(files[0]))}",
        )
    files += [file for file in sorted(folder.iterdir()) if file.suffix in PICKLES]  # which are refused as such
    if not files:
        raise ModelError(holds_no("LoRA", folder, "safetensors file"), _GIVE)
    return files[0]
