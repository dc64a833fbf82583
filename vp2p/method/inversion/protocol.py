"""What an inversion method is: the way from a clip to noise, and what brings the source branch back to the clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Mapping, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from vp2p.method.branches import SourceBranch
from vp2p.method.schedule import Schedule
from vp2p.settings import InvertSettings

if TYPE_CHECKING:
    from vp2p.t2s.inflation import TextToSetModel

Room = Callable[[tuple[int, ...]], Tensor]


@dataclass(frozen=True)
class InversionTask:
    """What is inverted.

    ``pixels`` is uint8 RGB (F, H, W, 3); ``encode`` gives the latents (F, c, h, w) of such pixels. ``cond`` and
    ``uncond`` (1, L, width) embed the source prompt and the empty one. ``room`` gives an empty float32
    tensor of a shape for the trajectory of a long clip, such as one in a file; by default it lies beside the latents.
    """

    model: TextToSetModel
    schedule: Schedule
    settings: InvertSettings
    pixels: np.ndarray
    encode: Callable[[np.ndarray], Tensor]
    cond: Tensor
    uncond: Tensor
    room: Room | None = None


class InversionStep(NamedTuple):
    """A step of an inversion: ``done`` of ``total`` steps of its ``phase``.

    ``state`` holds the tensors to resume from, ``step`` how many steps of all phases they stand for;
    ``metric`` is a figure to show, and ``log`` what is worth keeping of the step.
    """

    phase: str
    done: int
    total: int
    state: Mapping[str, Tensor]
    step: int
    metric: str = ""
    log: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Kept:
    """What an inversion has on the disk: the state that was ``found`` there to go on from, and ``room`` for more."""

    found: Mapping[str, Tensor] = field(default_factory=dict)
    room: Room | None = None


NOTHING = Kept()

OnInversionStep = Callable[[InversionStep], None]


@dataclass(frozen=True)
class Inverted:
    """The end of an inversion over T steps.

    ``trajectory`` (T+1, F, c, h, w) float32 runs from the clip (0) to the noise (T). ``extra`` holds what else the
    method needs to return to the clip. ``reconstruction`` (F, c, h, w) is the source branch's last latents, or None
    where they are not known.
    """

    trajectory: Tensor
    extra: Mapping[str, Tensor] = field(default_factory=dict)
    reconstruction: Tensor | None = None


class InversionMethod(Protocol):
    """One way to invert; a module of :mod:`vp2p.method.inversion` is one.

    ``OPTIONS`` names the settings that matter to this method alone.
    """

    OPTIONS: tuple[str, ...]

    def invert(self, task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Inverted:
        """Inverts, or goes on from the ``state`` of a step; ``found`` is empty at the start."""

    def source(self, inverted: Inverted, settings: InvertSettings) -> SourceBranch:
        """How the source branch of an edit returns to the clip."""

    def unconditional(self, inverted: Inverted) -> Tensor | None:
        """The unconditional embeddings that were optimised, (T, L, width) or (T, F, L, width); None if none were."""
