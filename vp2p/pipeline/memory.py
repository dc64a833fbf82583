"""How much memory a model needs, counted without one byte of it: its passes are run on shapes alone."""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint

from vp2p.models.codec import frames_at_once
from vp2p.models.folder import ModelFolder
from vp2p.models.image_prompts import layer_names
from vp2p.models.ip_adapters import IPAdapterFolder
from vp2p.models.loading import quiet_libraries
from vp2p.t2s.inflation import AttentionMode, GroupNormMode, TextToSetModel
from vp2p.t2s.low_memory import recompute
from vp2p.t2s.picture import ImageAttention, without_picture
from vp2p.t2s.structure import Structure

_ADAMW = 2  # numbers that the optimiser keeps of each that is trained
_FLOAT = 4

# Maps of the UNet's first width that a stage holds at most: tuning holds about 360 of Stable Diffusion 1.5's.
_MAPS = 600

Stage = Literal["tuning", "inversion", "null-text inversion", "attention", "editing"]


@dataclass(frozen=True)
class Work:
    """What is done with a clip of ``frames`` frames of ``size`` (width, height) pixels.

    An edit has ``targets`` in one pass. With ``low``, memory is saved as by ``--memory low``; with ``recompute``, in
    gradients alone, as by ``--gradient-checkpointing``.
    """

    stage: Stage
    frames: int
    size: tuple[int, int]
    targets: int = 1
    low: bool = False
    recompute: bool = False

    @classmethod
    def of(cls, stage: Stage, pixels: np.ndarray, recompute: bool = False) -> Work:
        """The work of a stage with frames (F, H, W, 3)."""
        frames, height, width = pixels.shape[:3]
        return cls(stage, frames, (width, height), recompute=recompute)

    @property
    def branches(self) -> int:
        """Clips in one pass: of an edit the source, and each target with and without its prompt."""
        return 1 + 2 * self.targets if self.stage == "editing" else 1


class Shapes:
    """A model of which nothing is there but shapes.

    Args:
        dtype: that the UNet computes in.
        text_parameters: how many numbers the text encoders have.
    """

    def __init__(
        self,
        folder: ModelFolder,
        dtype: torch.dtype,
        text_parameters: int,
        group_norm: GroupNormMode = "per-frame",
        attention: AttentionMode = "first-frame",
    ) -> None:
        self._folder, self._text = folder, _FLOAT * text_parameters
        with quiet_libraries(), torch.device("meta"):
            self._vae: Any = AutoencoderKL.from_config(dict(folder.vae)).requires_grad_(False)
            unet = UNet2DConditionModel.from_config(dict(folder.unet))
            self._t2s = TextToSetModel(unet.to(dtype), group_norm, attention, folder.downscale)
            self._t2s.eval().requires_grad_(False)
            nets = [ControlNetModel.from_config(dict(net.config)).to(dtype) for net in folder.controlnets]
        self._controlnets = nn.ModuleList(net.eval().requires_grad_(False) for net in nets)
        self._shown = nn.ParameterList()
        self._image_attention: ImageAttention | None = None
        if folder.ip_adapter is not None:
            self._show(folder.ip_adapter, dtype)

    def _show(self, adapter: IPAdapterFolder, dtype: torch.dtype) -> None:
        """Has edits show pictures, as they may with an IP-Adapter."""
        layers = {}
        for name, keys in layer_names(adapter, self._t2s.unet).items():
            pair = [torch.empty(adapter.shapes[key], dtype=dtype, device="meta") for key in keys]
            layers[name] = pair[0], pair[1]
            self._shown.extend(nn.Parameter(one, requires_grad=False) for one in pair)
        self._image_attention = ImageAttention(layers, adapter.tokens)

    def needed(self, work: Work, offload: bool = False) -> int:
        """Bytes at the peak of a stage, the model's own included; what the libraries take themselves is not counted.

        Attention is counted as fused, which needs no map of it, as PyTorch computes it.

        Args:
            offload: parts that are idle are elsewhere. On a CPU ``low`` work has text encoders and VAE on the disk.
        """
        unet, vae = sum(map(_bytes, (self._t2s.unet, *self._controlnets))), _bytes(self._vae)
        with quiet_libraries(), torch.device("meta"):
            passes, coding = self._passes(work), self._coding(work)
        shown = _bytes(self._shown) if work.stage == "editing" else 0
        if offload:
            return shown + max(unet + passes, vae + coding)
        if work.low:
            return shown + unet + max(passes, vae + coding, self._text)
        return shown + unet + vae + self._text + max(passes, coding)

    def _passes(self, work: Work) -> int:
        """Beside the weights, at the peak of the UNet's passes."""
        latents, text, t2s = self._latents(work.branches, work), self._texts(work.branches), self._t2s
        if work.stage == "editing" and self._image_attention is not None:
            text = without_picture(text, self._image_attention.tokens)
            t2s = t2s.showing(self._image_attention)
        self._t2s.save_memory(work.low)
        for network in self._controlnets:
            recompute(network, False)
        if work.low or work.recompute:
            again = partial(checkpoint, use_reentrant=False, context_fn=lambda: (nullcontext(), _Fused()))
            for network in (self._t2s.unet, *self._controlnets):
                network.enable_gradient_checkpointing(again)
        if work.stage == "tuning":
            trained = list(self._t2s.tuned_parameters().values())
            numbers = sum(one.numel() for one in trained)
            # The weights in float32, where the model's own are not, and the optimiser's numbers; then their gradients,
            # which the pass is over by.
            copies = 0 if self._t2s.unet.dtype == torch.float32 else 1
            kept = _FLOAT * numbers * (copies + _ADAMW)
            return kept + max(_FLOAT * numbers, self._peak(t2s, latents, text, trained))
        return self._peak(t2s, latents, text, [text] if work.stage == "null-text inversion" else [])

    def _peak(self, t2s: TextToSetModel, latents: Tensor, text: Tensor, trained: list[Any]) -> int:
        """Of one pass, and of the gradients of what is ``trained``."""
        for one in trained:
            one.requires_grad_(True)
        height, width = (side * self._folder.downscale for side in latents.shape[-2:])
        pictures = torch.empty(latents.shape[1], 3, height, width)
        t2s = t2s.held_to([Structure(net, 1.0, pictures) for net in self._controlnets])
        networks = nn.ModuleList([self._t2s, self._controlnets, self._shown])
        with _Fused(), Live(networks) as live, torch.set_grad_enabled(bool(trained)):
            out = t2s(latents, 1, text)
            if trained:
                loss = out.float().square().mean()
                gradients = torch.autograd.grad(loss, trained)
                del loss, gradients
        for one in trained:
            one.requires_grad_(False)
        return int(live.peak)

    @torch.no_grad()
    def _coding(self, work: Work) -> int:
        """Beside the weights, at the peak of the VAE."""
        width, height = work.size
        latents = self._latents(1, work)[0, : 1 if work.low else frames_at_once(width * height)]
        with _Fused(), Live(self._vae) as live:
            self._vae.decode(latents)
        return int(live.peak)

    def _latents(self, clips: int, work: Work) -> Tensor:
        width, height = (side // self._folder.downscale for side in work.size)
        return torch.empty(clips, work.frames, self._folder.vae.get("latent_channels", 4), height, width)

    def _texts(self, clips: int) -> Tensor:
        return torch.empty(clips, *self._folder.text_shape)


def plenty(folder: ModelFolder, dtype: torch.dtype, work: Work, weights: int) -> int:
    """Bytes that are more than a stage needs, known without counting; ``weights`` are the model's own."""
    area = work.size[0] * work.size[1] // folder.downscale**2
    return 8 * weights + _MAPS * work.frames * area * int(folder.unet["block_out_channels"][0]) * dtype.itemsize


def _bytes(network: nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in network.parameters())


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it is on and not yet gone; ``peak`` is the most at once.

    Views of the weights of ``network``, as linear layers make them, are none of these.
    """

    def __init__(self, network: nn.Module | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._now: int = 0
        weights = network.parameters() if network is not None else ()
        self._known: set[int] = {one.untyped_storage()._cdata for one in weights}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: Any) -> None:
        key, count = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self._now += count
            self.peak = max(self.peak, self._now)
            weakref.finalize(storage, self._gone, key, count)

    def _gone(self, key: int, count: int) -> None:
        self._known.discard(key)
        self._now -= count


class _Fused(TorchFunctionMode):
    """Attention without its map: on shapes alone, PyTorch would take the form that makes one."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is scaled_dot_product_attention:
            return _Attention.apply(*args[:3])  # type: ignore[no-untyped-call]
        return function(*args, **(kwargs or {}))


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        output = torch.empty_like(inputs[0])
        ctx.save_for_backward(*inputs, output)
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        query, key, value, _ = ctx.saved_tensors
        return torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
