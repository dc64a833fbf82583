"""Loading a latent diffusion model: VAE, text encoders, tokenizers, UNet and DDIM scheduler."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from vp2p.errors import ModelError
from vp2p.models.damaged import damaged
from vp2p.models.devices import choose_device, choose_dtype
from vp2p.models.folder import ModelFolder
from vp2p.models.fusing import fuse_lora
from vp2p.models.opening import open_model
from vp2p.models.parts import SECOND, Part
from vp2p.models.scheduling import ddim_scheduler
from vp2p.models.sources import ALIASES, BUNDLED
from vp2p.models.tokenizing import load_second_tokenizer, load_tokenizer
from vp2p.settings import ModelSettings


@dataclass(frozen=True)
class ControlNet:
    """A loaded ControlNet, in the UNet's dtype: the kind of pictures that it takes, and how strongly it acts."""

    kind: str
    network: ControlNetModel
    scale: float


@dataclass(frozen=True)
class LatentModel:
    """A model ready to run: in eval mode, on ``device``, nothing requires a gradient.

    ``dtype`` is the UNet's. VAE and text encoders stay float32: each frame and prompt passes them
    once, and the Stable Diffusion VAE can overflow in fp16, XL's always does. ``name`` is what ``--model`` said, or
    the folder's name. ``text_encoder_2`` and ``tokenizer_2`` are there in models with two text encoders.
    """

    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    unet: UNet2DConditionModel
    scheduler: DDIMScheduler
    device: torch.device
    dtype: torch.dtype
    name: str
    folder: ModelFolder
    controlnets: tuple[ControlNet, ...] = ()
    text_encoder_2: CLIPTextModelWithProjection | None = None
    tokenizer_2: CLIPTokenizer | None = None

    @property
    def texts(self) -> nn.ModuleList:
        """The text encoder, or both."""
        return nn.ModuleList(one for one in (self.text_encoder, self.text_encoder_2) if one is not None)

    @property
    def latent_channels(self) -> int:
        channels: int = self.vae.config.latent_channels
        return channels

    @property
    def token_limit(self) -> int:
        """The longest prompt in tokens, begin and end tokens included."""
        limit: int = self.tokenizer.model_max_length
        return limit


def load_model(settings: ModelSettings) -> LatentModel:
    """The model that ``settings`` name, on their device.

    Raises:
        ModelError: when it cannot be found, is of no supported kind, or its files are damaged.
        UsageError: when the device is absent or cannot compute in the dtype.
    """
    device = choose_device(settings.device)
    dtype = choose_dtype(settings.dtype, device)
    folder = open_model(settings)
    scheduler = ddim_scheduler(folder.scheduler)
    with quiet_libraries():
        unet = load_part(UNet2DConditionModel, folder, "unet", torch_dtype=dtype, low_cpu_mem_usage=False)
        vae = load_part(AutoencoderKL, folder, "vae", torch_dtype=torch.float32, low_cpu_mem_usage=False)
        text_encoder = load_part(CLIPTextModel, folder, "text_encoder")
        second = load_part(CLIPTextModelWithProjection, folder, SECOND) if SECOND in folder.parts else None
        tokenizers = load_tokenizer(folder), load_second_tokenizer(folder)
        controlnets = tuple(
            ControlNet(
                net.kind, load_network(ControlNetModel, net.part, torch_dtype=dtype, low_cpu_mem_usage=False), net.scale
            )
            for net in folder.controlnets
        )
    texts = [text_encoder] if second is None else [text_encoder, second]
    for encoder, tokenizer in zip(texts, tokenizers):
        _check_words(folder, encoder, tokenizer)
        encoder.float()  # transformers keeps the folder's own number format
    for lora in folder.loras:
        with quiet_libraries():
            fuse_lora(lora, unet, *texts)
    for part in (unet, vae, *texts, *(net.network for net in controlnets)):
        part.to(device).eval().requires_grad_(False)
    local = settings.model not in (BUNDLED, *ALIASES) and Path(settings.model).expanduser().exists()
    name = folder.name if local else settings.model
    model = LatentModel(vae, text_encoder, tokenizers[0], unet, scheduler, device, dtype, name, folder, controlnets)
    return dataclasses.replace(model, text_encoder_2=second, tokenizer_2=tokenizers[1])


def _check_words(folder: ModelFolder, encoder: Any, tokenizer: Any) -> None:
    if len(tokenizer) > encoder.config.vocab_size:
        raise ModelError(
            f"The tokenizer of {folder.path} has {len(tokenizer)} tokens, but its text encoder knows"
            f" {encoder.config.vocab_size}.",
            "copy the model folder again; tokenizer/ and text_encoder/ must belong together",
        )


def load_part(cls: Any, folder: ModelFolder, part: str, **options: Any) -> Any:
    """One network of ``folder``; see :func:`load_network`."""
    return load_network(cls, folder.parts[part], **options)


def load_network(cls: Any, part: Part, **options: Any) -> Any:
    """A network; a tensor that its files lack is an error, never a random start."""
    try:
        network, lacking = part.load(cls, **options)
    except Exception as error:  # the libraries raise every kind of error for damaged or misfitting files
        raise damaged(part.place, error, part.mend) from error
    # Position ids are counted, not learned: old files hold them, new ones leave them out.
    missing = [key for key in lacking if not key.endswith("position_ids")]
    if missing:
        raise damaged(part.place, f"{len(missing)} tensors are missing, such as {missing[0]}", part.mend)
    return network


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """No progress bars and loading reports of the libraries in between vp2p's own lines."""
    libraries = (diffusers.utils.logging, transformers.utils.logging)
    before = [(library, library.get_verbosity(), library.is_progress_bar_enabled()) for library in libraries]
    for library in libraries:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, level, bars in before:
            library.set_verbosity(level)
            if bars:
                library.enable_progress_bar()
