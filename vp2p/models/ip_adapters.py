"""IP-Adapters, by which a picture shows what a new thing looks like: what ``--ip-adapter PATH`` names."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, NamedTuple

from vp2p.errors import ModelError
from vp2p.models.digests import file_digest
from vp2p.models.header import COPY, Header, read_header
from vp2p.models.held import holds_no
from vp2p.models.hub import snapshot
from vp2p.models.image_encoder import ENCODER, EXAMPLE, PARTS, STEM, ImageEncoder, find_image_encoder
from vp2p.models.kinds import other_kind
from vp2p.models.named import HUB_ID, Option
from vp2p.models.parts import FolderPart
from vp2p.models.weights import find_weights
from vp2p.text import shorten, typed

_ON_THE_HUB = re.compile(rf"(?P<id>{HUB_ID.pattern})(?:/(?P<file>(?:{'|'.join(PARTS)})/[\w.-]+\.safetensors))?")
_GIVE = f"give --ip-adapter a folder with ip-adapter_sd15.safetensors and {ENCODER}/, or the hub id {EXAMPLE}"
OPTION = Option("--ip-adapter ", "IP-Adapter", _GIVE)

_TOKENS = 4  # that a plain one makes of a picture
_LATENTS = "image_proj.latents"  # (1, tokens, …) of the Plus form: the queries of its resampler


class _Form(NamedTuple):
    """A form of IP-Adapter, known by two tensors of its projection: (…, what it reads) and (what it gives, …).

    ``of`` is the size of the image encoder that it reads: of the embedding of the whole picture, or of hidden states.
    """

    reads: str
    gives: str
    of: str

    def width(self, header: Header) -> int:
        """How many numbers a token has."""
        return header.shapes[self.gives][0] // (_TOKENS if self is _PLAIN else 1)

    def tokens(self, header: Header, encoder: ImageEncoder) -> int:
        """How many tokens it makes of a picture: of Full Face one for each hidden state."""
        if self is _PLAIN:
            return _TOKENS
        return header.shapes[_LATENTS][1] if self is _PLUS else encoder.states


_PLAIN = _Form("image_proj.proj.weight", "image_proj.proj.weight", "projection_dim")
_PLUS = _Form("image_proj.proj_in.weight", "image_proj.proj_out.weight", "hidden_size")
_FULL_FACE = _Form("image_proj.proj.0.weight", "image_proj.proj.3.weight", "hidden_size")
# By a tensor that only this kind has, or one that kinds before it have, too.
_OTHERS = {
    "image_proj.perceiver_resampler.": "an IP-Adapter FaceID Plus",
    "image_proj.proj.0.": "an IP-Adapter FaceID",
}


@dataclass(frozen=True)
class IPAdapterFolder:
    """An IP-Adapter whose files are there: its weights, the shapes in them, and the image encoder that it reads.

    It makes ``tokens`` tokens of a picture.
    """

    file: Path
    shapes: Mapping[str, tuple[int, ...]]
    encoder: FolderPart
    tokens: int

    @property
    def digest(self) -> str:
        """SHA-256 (64 hex digits) over the contents of its files, for the identity of edits with a picture."""
        files = [self.file, self.encoder.config / "config.json", *(file for _, file in self.encoder.weights())]
        return hashlib.sha256("".join(f"{file_digest(file)}\n" for file in files).encode()).hexdigest()


def find_ip_adapter(text: str, unet: Mapping[str, Any], variant: str | None, download: bool) -> IPAdapterFolder:
    """The IP-Adapter that ``--ip-adapter`` names: a folder as the hub's h94/IP-Adapter, a file in it, or a hub id.

    A hub id alone means the plain adapter; a file in a repository is named after it, as in
    ``h94/IP-Adapter/models/ip-adapter-plus_sd15.safetensors``.

    Args:
        unet: the configuration of the UNet that it is for.
        variant: of the image encoder's weights, where the user asks for one and it has them.
        download: whether what the hub has may be, where it is not at hand.

    Raises:
        ModelError: it is not there, is of another kind, or was made for another kind of model.
    """
    xl = unet.get("addition_embed_type") is not None
    place = "sdxl_models" if xl else "models"
    hub = None if OPTION.path(text).exists() else _ON_THE_HUB.fullmatch(text)
    if hub:
        name = hub["file"] or f"{place}/{'ip-adapter_sdxl' if xl else 'ip-adapter_sd15'}.safetensors"
        configs = (f"{one}/{ENCODER}/config.json" for one in PARTS)
        path = snapshot(hub["id"], (name, *configs), "--ip-adapter", download) / name
    else:
        path = OPTION.there(text)
    file = _in_folder(path, place) if path.is_dir() else path
    if file.suffix != ".safetensors":
        raise ModelError(
            f"The IP-Adapter {file} is no safetensors file; others can run code and are never opened.", _GIVE
        )
    if hub and not file.is_file():
        raise ModelError(f"The hub's {hub['id']} has no {name}.", _GIVE)
    header = read_header(file)
    form = _form(file, header)
    width, widths = form.width(header), unet.get("cross_attention_dim", 1280)
    if widths != width:
        raise ModelError(
            f"The IP-Adapter {file} does not fit the model: its tokens have the width {width}, but the UNet reads "
            f"{shorten(widths, 80)}.",
            "give --ip-adapter one that was made for the kind of model that --model names",
        )
    encoder = find_image_encoder(file, form.of, header.shapes[form.reads][-1])
    if hub and not (encoder.folder / f"{STEM}.safetensors").is_file():
        lacking = f"{encoder.folder.parent.name}/{ENCODER}/{STEM}.safetensors"
        snapshot(hub["id"], (lacking,), "--ip-adapter", download)
    weights = find_weights(encoder.folder, STEM, variant)
    if not any(read_header(one).has("vision_model.") for one in weights.files):  # they are only read for an edit
        raise ModelError(f"The weights in {encoder.folder} are of no image encoder.", COPY)
    part = FolderPart(encoder.folder, STEM, weights.variant)
    return IPAdapterFolder(file, header.shapes, part, form.tokens(header, encoder))


def _in_folder(folder: Path, part: str) -> Path:
    """The weights' file in a folder, or in the part of it that the hub's has; raises ModelError for none or several."""
    files = [file for place in (folder, folder / part) for file in place.glob("ip-adapter*.safetensors")]
    if not files:
        pickles = sorted(file for place in (folder, folder / part) for file in place.glob("ip-adapter*.bin"))
        if pickles:
            return pickles[0]  # which is refused for what it is
        cause = holds_no("IP-Adapter", folder, "ip-adapter*.safetensors")
        if list(folder.glob("*/ip-adapter*.safetensors")):
            cause = f"The folder {folder} holds no {part}/ip-adapter*.safetensors, which this kind of model reads."
        raise ModelError(cause, _GIVE)
    if len(files) > 1:
        files.sort(key=lambda file: (len(file.name), file.name))  # the plain one has the shortest name
        told = ", ".join(file.name for file in files[:3])
        raise ModelError(
            f"The folder {folder} holds several IP-Adapters: {told}.",
            f"give one of them: --ip-adapter {typed(str(files[0]))}",
        )
    return files[0]


def _form(file: Path, header: Header) -> _Form:
    """The form of an adapter. Raises ModelError for what is of none that is supported."""
    shapes = header.shapes
    if not header.has("ip_adapter."):
        kind = other_kind(file, header)
        raise ModelError(f"{file} is no IP-Adapter; it is {kind.name if kind else 'a whole model'}.", _GIVE)
    for form in (_PLAIN, _PLUS, _FULL_FACE):
        whole = shapes.get(form.reads) and shapes.get(form.gives)
        if whole and (form is not _PLUS or len(shapes.get(_LATENTS, ())) == 3):
            return form
    other = next((kind for start, kind in _OTHERS.items() if header.has(start)), "an IP-Adapter of an unknown form")
    raise ModelError(f"{file} is {other}, which is not supported; plain IP-Adapters, Plus and Full Face are.", _GIVE)
