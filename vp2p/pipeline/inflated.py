"""A latent diffusion model inflated to clips: text to embeddings, pixels to latents and back, words to a plan."""

from __future__ import annotations

import sys
from contextlib import contextmanager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Iterator

import numpy as np
import torch
from diffusers import ControlNetModel
from torch import Tensor, nn

from vp2p.method.schedule import Schedule
from vp2p.models.codec import decode_latents, encode_frames
from vp2p.models.image_prompts import IPAdapter, load_ip_adapter
from vp2p.models.loading import LatentModel
from vp2p.models.offload import OnDisk, on_device, resting_place
from vp2p.models.text import encode_prompts, encode_unconditional
from vp2p.pipeline.memory import Shapes, Work
from vp2p.prompts.plan import EditPlan, plan_words
from vp2p.settings import EditSettings, MemoryMode
from vp2p.t2s.inflation import AttentionMode, GroupNormMode, TextToSetModel
from vp2p.t2s.low_memory import recompute
from vp2p.t2s.structure import Structure
from vp2p.t2s.windows import ALL

if TYPE_CHECKING:
    from vp2p.video.clip import Clip


class InflatedModel:
    """What the steps of the pipeline need of a model; nothing is shared between two of them.

    Args:
        latent: a loaded model; its UNet is changed in place.
        group_norm, attention: see :class:`vp2p.t2s.inflation.TextToSetModel`.
        memory: how its stages use memory; see :func:`vp2p.pipeline.fit.fit`.
        window_frames: how many frames it sees at once; longer clips pass in windows (:mod:`vp2p.t2s.windows`).

    Raises:
        ModelError: the UNet is of no kind that can be inflated.
    """

    def __init__(
        self,
        latent: LatentModel,
        group_norm: GroupNormMode = "per-frame",
        attention: AttentionMode = "first-frame",
        memory: MemoryMode = "auto",
        window_frames: int = ALL,
    ) -> None:
        self.latent, self.memory = latent, memory
        self.t2s = TextToSetModel(latent.unet, group_norm, attention, latent.folder.downscale)
        self.t2s.window_frames = window_frames
        self.low_memory = False
        self.most_targets = sys.maxsize
        self._untuned: dict[str, Tensor] | None = None
        self._on_disk: dict[str, OnDisk] = {}
        self._modes = group_norm, attention
        self._shapes: dict[torch.dtype, Shapes] = {}
        self._needed: dict[tuple[Work, torch.dtype], int] = {}

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self.latent.device

    def save_memory(self, low: bool, most_targets: int = sys.maxsize) -> None:
        """How much is held at once; results are the same to rounding.

        Args:
            low: passes in smaller pieces, gradients that recompute, frames through the VAE one by one. Text encoders
                and VAE are there only while they are used: beside a GPU they wait in main memory, else on the disk. On
                a GPU, UNet and ControlNets are not there while the VAE is.
            most_targets: of a whole clip in one pass of an edit.
        """
        self.low_memory, self.most_targets = low, most_targets
        self.t2s.save_memory(low)
        for network in self._controlnets:
            recompute(network, low)
        for name, part in self._visitors.items():
            part.to(resting_place(self.device) if low else self.device)
            if low and self.device.type == "cpu" and name not in self._on_disk:
                self._on_disk[name] = OnDisk(part)
            elif not low and name in self._on_disk:
                self._on_disk.pop(name).end()

    @property
    def _visitors(self) -> dict[str, nn.Module]:
        """What is needed before and after the UNet's passes alone."""
        return {"texts": self.latent.texts, "vae": self.latent.vae}

    @property
    def _controlnets(self) -> list[ControlNetModel]:
        return [net.network for net in self.latent.controlnets]

    @property
    def bytes_held(self) -> int:
        """Of the model on its device."""
        idle = {name for name, one in self._on_disk.items() if one.done}
        visitors = (part for name, part in self._visitors.items() if name not in idle)
        parts: tuple[nn.Module, ...] = (self.latent.unet, *visitors, *self._controlnets)
        held = (one for part in parts for one in part.parameters() if one.device.type == self.device.type)
        adapter = self.__dict__.get("ip_adapter")  # where an edit has asked for it
        return sum(one.numel() * one.element_size() for one in held) + (adapter.bytes_held if adapter else 0)

    def memory_needed(self, work: Work, dtype: torch.dtype | None = None) -> int:
        """Bytes at the peak of a work, the model's own included: counted once.

        Args:
            dtype: that the UNet would compute in; by default that in which it does.
        """
        dtype = dtype or self.latent.dtype
        if (work, dtype) not in self._needed:
            numbers = sum(one.numel() for one in self.latent.texts.parameters())
            if dtype not in self._shapes:
                self._shapes[dtype] = Shapes(self.latent.folder, dtype, numbers, *self._modes)
            offload = work.low and resting_place(self.device) != self.device
            self._needed[work, dtype] = self._shapes[dtype].needed(work, offload)
        return self._needed[work, dtype]

    def held_to(self, clip: Clip) -> TextToSetModel:
        """The text-to-set model for passes of a clip that was fitted, whose structure ControlNets hold it to, if any.

        Raises:
            UsageError: a ControlNet needs pictures that the clip lacks.
        """
        nets, found = self.latent.controlnets, {}
        for kind in {net.kind for net in nets}:
            from vp2p.video.structure import structure_pictures

            pictures = torch.from_numpy(structure_pictures(kind, clip.pixels, clip.control)).to(self.device)
            found[kind] = pictures.permute(0, 3, 1, 2).float() / 255
        return self.t2s.held_to([Structure(net.network, net.scale, found[net.kind]) for net in nets])

    @cached_property
    def ip_adapter(self) -> IPAdapter:
        """What shows pictures to a model that has an IP-Adapter; loaded when an edit first asks for it.

        Raises:
            ModelError: its files are damaged, or it does not fit the UNet.
        """
        folder = self.latent.folder.ip_adapter
        assert folder is not None  # find_reference refuses pictures else
        return load_ip_adapter(folder, self.latent.unet)

    def untune(self) -> None:
        """Takes the model back to what it was at the first call, which is to be made before any tuning."""
        if self._untuned is None:
            parameters = self.t2s.tuned_parameters(norm_temp=True)
            # On the CPU, where there is more room than beside the model.
            self._untuned = {name: parameter.detach().to("cpu", copy=True) for name, parameter in parameters.items()}
        else:
            self.t2s.load_tuned(self._untuned)

    def schedule(self, steps: int) -> Schedule:
        """The DDIM path of so many steps."""
        return Schedule.of(self.latent.scheduler, steps)

    def embed(self, *prompts: str) -> Tensor:
        """The prompts' embeddings, (N, L, width) float32. Raises PromptError if one is too long."""
        with self._using("texts"):
            return encode_prompts(self.latent, prompts)

    def unconditional(self, prompt: str = "") -> Tensor:
        """What guidance leads away from, (1, L, width): a negative prompt, or the empty one as the model knows it."""
        with self._using("texts"):
            return encode_unconditional(self.latent, prompt)

    def encode(self, pixels: np.ndarray) -> Tensor:
        """Latents (F, c, h, w) of pixels, uint8 RGB (F, H, W, 3)."""
        with self._using("vae", self.latent.unet, *self._controlnets):
            return encode_frames(self.latent, pixels, self.low_memory)

    def decode(self, latents: Tensor) -> np.ndarray:
        """Pixels, uint8 RGB (F, H, W, 3), of latents (F, c, h, w)."""
        with self._using("vae", self.latent.unet, *self._controlnets):
            return decode_latents(self.latent, latents, self.low_memory)

    @contextmanager
    def _using(self, visitor: str, *idle: nn.Module) -> Iterator[None]:
        """Has a visitor on the device for a while, with ``low`` memory in place of what is idle meanwhile."""
        saving = on_device(self.device, self._visitors[visitor], *idle) if self.low_memory else nullcontext()
        try:
            with saving:
                yield
        finally:
            if visitor in self._on_disk:
                self._on_disk[visitor].release()

    def fitted(self, clip: Clip) -> Clip:
        """The clip at the size at which this model takes it. Raises UsageError for a size that it cannot take."""
        folder = self.latent.folder
        return clip.fitted(folder.native_size, folder.size_multiple)

    def plan(self, prompt: str, settings: EditSettings, steps: int) -> EditPlan:
        """What an edit does to the words of ``prompt``; see :func:`vp2p.prompts.plan.plan_words`."""
        return plan_words(self.latent.tokenizer, prompt, settings, steps, self.latent.token_limit)
