"""Passes that a GPU is given whole, as CUDA graphs.

A pass is thousands of kernels, many of a few microseconds. To launch them one by one from Python takes longer than to
compute them; a graph has them launched together. docs/benchmarks.md has the figures.
"""

from __future__ import annotations

import gc
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from vp2p.t2s.inflation import TextToSetModel


_log = logging.getLogger(__name__)

_BEFORE = 10  # passes before the graph: to record one takes as long as five
_ROOM = 1.5  # of what passes take: those without gradients go on beside the recorded one


class Passes(nn.Module):
    """Passes with gradients that are all alike: without control, and of latents and texts of one shape.

    The first ones are as ever. Then one is recorded, with its way back, and the others replay it, where nothing
    prevents that: there is a GPU, all frames pass at once and on it, and gradients compute nothing again. What a replay
    returns, and its gradients, are overwritten by the next one.
    """

    def __init__(self, model: TextToSetModel) -> None:
        super().__init__()
        self.model = model
        self._before = _BEFORE
        whole = model.ranks is None and not model.unet.is_gradient_checkpointing
        self._recordable = whole and model.unet.device.type == "cuda"

    def forward(self, latents: Tensor, timestep: Tensor, text: Tensor) -> Tensor:
        """See :meth:`TextToSetModel.forward`; ``timestep`` is (1,)."""
        if self._recordable and torch.is_grad_enabled() and latents.shape[1] <= self.model.window_frames:
            self._before -= 1
            if self._before < 0:
                self._recordable = False
                if _has_room():
                    self._record(latents, timestep, text)
                return self.forward(latents, timestep, text)  # of the recorded pass, if there is one
        predicted: Tensor = self.model(latents, timestep, text)
        return predicted

    def _record(self, *given: Tensor) -> None:
        """Has the passes that follow replay one, by a ``forward`` of this object's own; or leaves them as they are."""
        like = tuple(one.detach().clone().requires_grad_(one.requires_grad) for one in given)
        gc.collect()  # an older graph that goes while one is recorded ends the program
        try:
            torch.cuda.make_graphed_callables(self, like, allow_unused_input=True)
            return
        except RuntimeError as error:  # also where memory is short
            _log.debug("passes are not recorded: %s", error)
        self.forget()

    def forget(self) -> None:
        """Gives back what a recorded pass holds."""
        self.__dict__.pop("forward", None)
        if self._before < 0:
            gc.collect()  # the graphs are in a cycle
            torch.cuda.empty_cache()


def _has_room() -> bool:
    """Whether a recorded pass fits beside all else: it holds what it takes from its first replay to its last."""
    held = torch.cuda.memory_allocated()
    taken = torch.cuda.max_memory_allocated() - held
    return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - held > _ROOM * taken


@contextmanager
def recorded(model: TextToSetModel) -> Iterator[Passes]:
    """The passes of a model, for a while."""
    passes = Passes(model)
    try:
        yield passes
    finally:
        passes.forget()
