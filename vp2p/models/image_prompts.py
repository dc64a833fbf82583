"""An IP-Adapter that is loaded: pictures to tokens, and the weights by which a UNet's layers attend to them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Mapping

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import ImageProjection
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPVisionModelWithProjection

from vp2p.errors import ModelError
from vp2p.models.clip import prepared
from vp2p.models.ip_adapters import TOKENS, IPAdapterFolder
from vp2p.models.loading import load_network, quiet_libraries
from vp2p.models.parts import FolderPart


@dataclass(frozen=True)
class IPAdapter:
    """How an image encoder's embedding becomes tokens, and how a UNet's layers attend to them.

    ``layers`` holds the weights of keys and values, each (out, width), by the names of the attention layers.
    """

    encoder: FolderPart
    projection: ImageProjection
    layers: Mapping[str, tuple[Tensor, Tensor]]
    _known: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @property
    def bytes_held(self) -> int:
        """Of the layers' weights, beside the UNet."""
        return sum(one.numel() * one.element_size() for weights in self.layers.values() for one in weights)

    def tokens(self, picture: np.ndarray) -> tuple[Tensor, Tensor]:
        """The tokens of a uint8 RGB picture (H, W, 3), and those of none, which guidance leads away from: (n, width).

        Raises:
            ModelError: the image encoder's files are damaged.
        """
        key = hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()
        if key not in self._known:
            self._known[key] = self._read(picture)
        return self._known[key]

    @torch.no_grad()
    def _read(self, picture: np.ndarray) -> tuple[Tensor, Tensor]:
        # It is large, and needed for one pass: on the CPU, and let go of at once.
        with quiet_libraries():
            encoder = load_network(CLIPVisionModelWithProjection, self.encoder).float().eval()
        embedding = encoder(prepared(picture, encoder.config.image_size)).image_embeds
        shown, none = self.projection(torch.cat([embedding, torch.zeros_like(embedding)]))
        return shown, none


def load_ip_adapter(folder: IPAdapterFolder, unet: UNet2DConditionModel) -> IPAdapter:
    """Loads an adapter, its layers where the UNet is and in its number format.

    Raises:
        ModelError: its files are damaged, or it was made for a UNet of other layers.
    """
    try:
        tensors = load_file(str(folder.file))
    except Exception as error:  # the library raises errors of its own for damaged files
        raise ModelError(f"{folder.file} cannot be loaded: {error}.", "copy or download it again") from error
    prefix = "image_proj."
    own = {name.removeprefix(prefix): one.float() for name, one in tensors.items() if name.startswith(prefix)}
    projection = ImageProjection(own["proj.weight"].shape[1], folder.width, TOKENS)
    try:
        projection.load_state_dict({name.replace("proj", "image_embeds"): one for name, one in own.items()})
    except RuntimeError as error:
        raise _unfitting(folder) from error
    layers = {
        name: (tensors[key].to(unet.device, unet.dtype), tensors[value].to(unet.device, unet.dtype))
        for name, (key, value) in layer_names(folder, unet).items()
    }
    return IPAdapter(folder.encoder, projection.eval().requires_grad_(False), layers)


def layer_names(folder: IPAdapterFolder, unet: UNet2DConditionModel) -> dict[str, tuple[str, str]]:
    """By the name of each attention layer that reads the text, the adapter's tensors for keys and values.

    Raises:
        ModelError: the adapter was made for a UNet of other layers.
    """
    # As diffusers counts: each block has a layer within the picture, then one that reads the text.
    names = [name.removesuffix(".processor") for name in unet.attn_processors if name.endswith("attn2.processor")]
    found = {
        name: (f"ip_adapter.{2 * place + 1}.to_k_ip.weight", f"ip_adapter.{2 * place + 1}.to_v_ip.weight")
        for place, name in enumerate(names)
    }
    for name, keys in found.items():
        wanted: Any = unet.get_submodule(name).to_k
        if any(folder.shapes.get(key) != tuple(wanted.weight.shape) for key in keys):
            raise _unfitting(folder)
    if sum(name.startswith("ip_adapter.") for name in folder.shapes) != 2 * len(found):
        raise _unfitting(folder)
    return found


def _unfitting(folder: IPAdapterFolder) -> ModelError:
    return ModelError(
        f"The IP-Adapter {folder.file} was made for a UNet of other layers.",
        "give --ip-adapter one that was made for the kind of model that --model names",
    )
