"""How much memory a model needs, counted without one byte of it: its passes are run on shapes alone."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from vp2p.models.folder import ModelFolder
from vp2p.models.loading import quiet_libraries
from vp2p.t2s import TextToSetModel

BRANCHES = 3
"""Of an edit with one target: the source, and the target with and without its prompt."""

_ADAMW = 2  # numbers that the optimiser keeps of each that is trained
_FLOAT = 4


@dataclass(frozen=True)
class Memory:
    """Bytes at the peak of tuning and of editing, the model's own included."""

    tune: int
    edit: int


@dataclass(frozen=True)
class Work:
    """A clip of ``frames`` frames of ``size`` (width, height) pixels, which the UNet works on in ``dtype``."""

    frames: int
    size: tuple[int, int]
    dtype: torch.dtype


def memory_needed(model: ModelFolder, text_parameters: int, work: Work) -> Memory:
    """The memory that tuning and editing need at their peaks; what the libraries take themselves is not counted.

    Attention is counted as fused, which needs no map of it, as PyTorch computes it.

    Args:
        text_parameters: how many numbers the text encoder has.
    """
    with quiet_libraries(), torch.device("meta"):
        vae = AutoencoderKL.from_config(dict(model.vae)).requires_grad_(False)
        unet = UNet2DConditionModel.from_config(dict(model.unet))
        t2s = TextToSetModel(unet.to(work.dtype)).eval().requires_grad_(False)
        weights = _bytes(unet) + _bytes(vae) + _FLOAT * text_parameters
        trained = list(t2s.tuned_parameters().values())
        numbers = sum(one.numel() for one in trained)
        steps = _FLOAT * numbers * (1 + 1 + _ADAMW)  # the weights in float32, their gradients, the optimiser
        tune = weights + steps + _peak_of_tuning(t2s, trained, model, work)
        edit = weights + max(_peak_of_editing(t2s, model, work), _peak_of_decoding(vae, model, work))
    return Memory(tune, edit)


def _peak_of_tuning(t2s: TextToSetModel, trained: list[nn.Parameter], model: ModelFolder, work: Work) -> int:
    for parameter in trained:
        parameter.requires_grad_(True)
    live = Live()
    with _Fused(), live:
        loss = t2s(*_inputs(1, model, work)).float().square().mean()
        gradients = torch.autograd.grad(loss, trained)
        del loss, gradients
    return live.peak


@torch.no_grad()
def _peak_of_editing(t2s: TextToSetModel, model: ModelFolder, work: Work) -> int:
    live = Live()
    with _Fused(), live:
        t2s(*_inputs(BRANCHES, model, work))
    return live.peak


@torch.no_grad()
def _peak_of_decoding(vae: Any, model: ModelFolder, work: Work) -> int:
    live = Live()
    with _Fused(), live:
        vae.decode(_inputs(1, model, work)[0][0, :1])
    return live.peak


def _inputs(clips: int, model: ModelFolder, work: Work) -> tuple[Tensor, int, Tensor]:
    """Latents, a timestep and embeddings of texts: no numbers, only shapes."""
    width, height = (side // model.downscale for side in work.size)
    latents = torch.empty(clips, work.frames, model.vae.get("latent_channels", 4), height, width)
    return latents, 1, torch.empty(clips, model.text_positions, model.text_encoder["hidden_size"])


def _bytes(network: nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in network.parameters())


class Live(TorchDispatchMode):
    """Counts the bytes of all tensors that are made while it is on and not yet gone; ``peak`` is the most at once."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak: int = 0
        self._now: int = 0
        self._known: set[int] = set()

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
