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
from torch import Tensor, nn
from transformers import CLIPVisionModelWithProjection

from vp2p.errors import ModelError
from vp2p.models.clip import prepared
from vp2p.models.ip_adapters import IPAdapterFolder
from vp2p.models.loading import load_network, quiet_libraries
from vp2p.models.parts import FolderPart


@dataclass(frozen=True)
class IPAdapter:
    """How what an image encoder sees becomes tokens, and how a UNet's layers attend to them.

    ``projection`` is diffusers' own: of a plain adapter an ``ImageProjection``, which reads the picture's embedding,
    (1, D); of Plus an ``IPAdapterPlusImageProjection`` and of Full Face an ``IPAdapterFullImageProjection``, which read
    the last but one hidden states, (1, patches + 1, D). ``layers`` holds the weights of keys and values, each
    (out, width), by the names of the attention layers.
    """

    encoder: FolderPart
    projection: nn.Module
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
        pixels = prepared(picture, encoder.config.image_size)
        if isinstance(self.projection, ImageProjection):
            embedding = encoder(pixels).image_embeds
            seen = torch.cat([embedding, torch.zeros_like(embedding)])
        else:  # as diffusers' pipelines: what is seen of a picture of zeros, which is no embedding of zeros
            both = torch.cat([pixels, torch.zeros_like(pixels)])
            seen = encoder(both, output_hidden_states=True).hidden_states[-2]
        shown, none = self.projection(seen)
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
    library: Any = unet  # has no annotations of this, its own reading of all forms, which leaves the UNet as it is
    try:
        projection = library._convert_ip_adapter_image_proj_to_diffusers(own, low_cpu_mem_usage=False)
    except (RuntimeError, LookupError) as error:
        raise ModelError(
            f"The IP-Adapter {folder.file} lacks tensors of its projection, or they are of other shapes.",
            "copy or download it again",
        ) from error
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
