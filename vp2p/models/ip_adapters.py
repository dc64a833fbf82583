"""IP-Adapters, by which a picture shows what a new thing looks like: what ``--ip-adapter PATH`` names."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from vp2p.errors import ModelError
from vp2p.models.digests import file_digest
from vp2p.models.header import Header, read_header
from vp2p.models.json_files import read_json
from vp2p.models.kinds import other_kind
from vp2p.models.parts import FolderPart
from vp2p.models.sources import HUB_ID, snapshot
from vp2p.models.weights import find_weights
from vp2p.text import shorten, typed

TOKENS = 4
"""How many tokens a plain IP-Adapter makes of a picture."""

ENCODER = "image_encoder"
_STEM = "model"
_EXAMPLE = "h94/IP-Adapter"
_GIVE = f"give --ip-adapter a folder with ip-adapter_sd15.safetensors and {ENCODER}/, or the hub id {_EXAMPLE}"
_PROJECTION = "image_proj.proj.weight"
# By a tensor that only this kind has, or one that kinds before it have, too.
_OTHERS = {
    "image_proj.perceiver_resampler.": "an IP-Adapter FaceID Plus",
    "image_proj.proj.3.": "an IP-Adapter Full Face",
    "image_proj.proj.0.": "an IP-Adapter FaceID",
    "image_proj.latents": "an IP-Adapter Plus",
}


@dataclass(frozen=True)
class IPAdapterFolder:
    """An IP-Adapter whose files are there: its weights, the shapes in them, and the image encoder beside them."""

    file: Path
    shapes: Mapping[str, tuple[int, ...]]
    encoder: FolderPart

    @property
    def width(self) -> int:
        """Of the tokens that it makes of a picture."""
        return self.shapes[_PROJECTION][0] // TOKENS

    @property
    def digest(self) -> str:
        """SHA-256 (64 hex digits) over the contents of its files, for the identity of edits with a picture."""
        files = [self.file, self.encoder.config / "config.json", *(file for _, file in self.encoder.weights())]
        return hashlib.sha256("".join(f"{file_digest(file)}\n" for file in files).encode()).hexdigest()


def find_ip_adapter(text: str, unet: Mapping[str, Any], variant: str | None, download: bool) -> IPAdapterFolder:
    """The IP-Adapter that ``--ip-adapter`` names: a folder as the hub's h94/IP-Adapter, a file in it, or a hub id.

    Args:
        unet: the configuration of the UNet that it is for.
        variant: of the image encoder's weights, where the user asks for one and it has them.
        download: whether a hub id may be, where it is not at hand.

    Raises:
        ModelError: it is not there, is of another kind, or was made for another kind of model.
    """
    xl = unet.get("addition_embed_type") is not None
    path, part = Path(text).expanduser(), "sdxl_models" if xl else "models"
    if not text or not path.exists():
        if not HUB_ID.fullmatch(text):
            raise ModelError(f"There is no IP-Adapter {shorten(text)}.", _GIVE)
        name = "ip-adapter_sdxl.safetensors" if xl else "ip-adapter_sd15.safetensors"
        files = (f"{part}/{one}" for one in (name, f"{ENCODER}/config.json", f"{ENCODER}/{_STEM}.safetensors"))
        path = snapshot(text, tuple(files), "--ip-adapter", download) / part / name
    file = _in_folder(path, part) if path.is_dir() else path
    if file.suffix != ".safetensors":
        raise ModelError(
            f"The IP-Adapter {file} is no safetensors file; others can run code and are never opened.", _GIVE
        )
    if not file.is_file():
        raise ModelError(f"The hub's {text} has no {part}/{file.name}.", _GIVE)
    header = read_header(file)
    _check_kind(file, header)
    found = IPAdapterFolder(file, header.shapes, _encoder(file.with_name(ENCODER), variant, header))
    widths = unet.get("cross_attention_dim", 1280)
    if widths != found.width:
        raise ModelError(
            f"The IP-Adapter {file} does not fit the model: its tokens have the width {found.width}, but the UNet "
            f"reads {shorten(widths, 80)}.",
            "give --ip-adapter one that was made for the kind of model that --model names",
        )
    return found


def _in_folder(folder: Path, part: str) -> Path:
    """The weights' file in a folder, or in the part of it that the hub's has; raises ModelError for none or several."""
    files = [file for place in (folder, folder / part) for file in place.glob("ip-adapter*.safetensors")]
    if not files:
        pickles = sorted(file for place in (folder, folder / part) for file in place.glob("ip-adapter*.bin"))
        if pickles:
            return pickles[0]  # which is refused for what it is
        raise ModelError(f"The folder {folder} holds no ip-adapter*.safetensors.", _GIVE)
    if len(files) > 1:
        files.sort(key=lambda file: (len(file.name), file.name))  # the plain one has the shortest name
        told = ", ".join(file.name for file in files[:3])
        raise ModelError(
            f"The folder {folder} holds several IP-Adapters: {told}.",
            f"give one of them: --ip-adapter {typed(str(files[0]))}",
        )
    return files[0]


def _check_kind(file: Path, header: Header) -> None:
    """Raises ModelError for what is no plain IP-Adapter."""
    other = next((kind for start, kind in _OTHERS.items() if header.has(start)), None)
    if other is not None:
        raise ModelError(f"{file} is {other}, which is not supported; plain IP-Adapters are.", _GIVE)
    if _PROJECTION not in header.shapes or not header.has("ip_adapter."):
        kind = other_kind(file, header)
        raise ModelError(f"{file} is no IP-Adapter; it is {kind.name if kind else 'a whole model'}.", _GIVE)


def _encoder(folder: Path, variant: str | None, header: Header) -> FolderPart:
    """The image encoder in a folder, whose embeddings must be as wide as the adapter reads."""
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(f"The IP-Adapter has no image encoder: there is no {file}.", _GIVE)
    config = read_json(file, "copy or download the folder again")
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "clip_vision_model":
        raise ModelError(f"{folder} is of the type {shorten(kind)}, but a clip_vision_model is needed.", _GIVE)
    read = header.shapes[_PROJECTION][1]
    if config.get("projection_dim", 512) != read:
        raise ModelError(
            f"The image encoder {folder} gives {shorten(config.get('projection_dim', 512))} numbers, but the "
            f"IP-Adapter reads {read}.",
            f"put the {ENCODER}/ that it was made for beside its file",
        )
    return FolderPart(folder, _STEM, find_weights(folder, _STEM, variant).variant)
