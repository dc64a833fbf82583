"""The image encoder that an IP-Adapter reads, found by how many numbers it gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.config_types import check_types
from vp2p.models.header import COPY
from vp2p.models.json_files import read_mapping
from vp2p.text import shorten, typed

ENCODER = "image_encoder"
STEM = "model"
EXAMPLE = "h94/IP-Adapter"
PARTS = ("models", "sdxl_models")
"""The folders of the hub's h94/IP-Adapter, each of which holds adapters and an image encoder."""

_DEFAULTS = {"projection_dim": 512, "hidden_size": 768, "image_size": 224, "patch_size": 32}  # the library's
# In which of them the image encoder is that gives so many numbers: ViT-H and ViT-bigG.
_PUBLISHED = {
    ("projection_dim", 1024): "models",
    ("hidden_size", 1280): "models",
    ("projection_dim", 1280): "sdxl_models",
    ("hidden_size", 1664): "sdxl_models",
}


@dataclass(frozen=True)
class ImageEncoder:
    """A CLIP vision model in a folder, and its configuration."""

    folder: Path
    config: Mapping[str, Any]

    def size(self, name: str) -> int:
        """A size that its configuration says."""
        value: int = self.config.get(name, _DEFAULTS[name])
        return value

    @property
    def states(self) -> int:
        """How many hidden states it has of a picture: one a patch, and one of the whole."""
        return (self.size("image_size") // self.size("patch_size")) ** 2 + 1


def find_image_encoder(adapter: Path, name: str, read: int) -> ImageEncoder:
    """The one whose size ``name``, such as ``hidden_size``, is what an adapter reads.

    It lies beside the adapter's file, or where the other adapters of a folder like the hub's have theirs: those of XL
    that read ViT-H have it in ``models/``.

    Raises:
        ModelError: there is none, or none that fits.
    """
    beside, root = adapter.parent, adapter.parent.parent
    places = [beside, *(root / part for part in PARTS)] if beside.name in PARTS else [beside]
    folders = [place / ENCODER for place in dict.fromkeys(places) if (place / ENCODER / "config.json").is_file()]
    hint = _put(adapter, name, read)
    if not folders:
        raise ModelError(f"The IP-Adapter has no image encoder: there is no {beside / ENCODER / 'config.json'}.", hint)
    found = [_read(folder) for folder in folders]
    fitting = [one for one in found if one.size(name) == read]
    if fitting:
        return fitting[0]
    what = "hidden states of " if name == "hidden_size" else ""
    raise ModelError(
        f"The image encoder {folders[0]} gives {what}{found[0].size(name)} numbers, but the IP-Adapter reads {read}.",
        hint,
    )


def _read(folder: Path) -> ImageEncoder:
    file = folder / "config.json"
    config = read_mapping(file)
    kind = config.get("model_type")
    if kind != "clip_vision_model":
        raise ModelError(f"{folder} is of the type {shorten(kind)}, but a clip_vision_model is needed.", COPY)
    check_types(file, f"{ENCODER}/config.json", config)
    return ImageEncoder(folder, config)


def _put(adapter: Path, name: str, read: int) -> str:
    """What to type for the image encoder of an adapter, where it is one that was published."""
    part = _PUBLISHED.get((name, read))
    if part is None:
        return f"put the {ENCODER}/ that it was made for beside its file"
    if adapter.parent.name not in PARTS:
        return f"put {part}/{ENCODER}/ of the hub's {EXAMPLE} beside its file"
    files = " ".join(f"{part}/{ENCODER}/{file}" for file in ("config.json", f"{STEM}.safetensors"))
    return f"hf download {EXAMPLE} {files} --local-dir {typed(str(adapter.parent.parent))}"
