"""A clip to be measured: what the metrics need of it, each part found when it is first asked for, and then kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Iterable

import numpy as np
import torch
from torch import Tensor

from vp2p.metrics.lpips import Distance
from vp2p.metrics.metric import Metric
from vp2p.metrics.region import Region
from vp2p.metrics.warp_error import Motion, motion

if TYPE_CHECKING:
    from vp2p.models.clip import Clip


@dataclass(frozen=True)
class Networks:
    """The networks that some metrics need, loaded once for all clips; without one its metrics are left out."""

    clip: Clip | None = None
    lpips: Distance | None = None


@dataclass(frozen=True, eq=False)
class Footage:
    """The frames of a clip, uint8 RGB (F, H, W, 3), and what they say without a prompt or a mask."""

    frames: np.ndarray
    networks: Networks

    @cached_property
    def motion(self) -> Motion:
        """From each frame to the next."""
        return motion(self.frames)

    @cached_property
    def images(self) -> Tensor | None:
        """(F, D), the frames' CLIP embeddings, each of norm 1; None without CLIP."""
        clip = self.networks.clip
        return clip.images(list(self.frames)) if clip is not None else None


@dataclass(frozen=True, eq=False)
class Sample:
    """One clip to be measured; the source's own frames where ``footage`` is ``original``.

    Each property is a :data:`vp2p.metrics.metric.Need`, and None where the part is not to be had.

    Args:
        original: the source, shared by all edits of it.
        prompt: the edit's.
        region: where the edit may act; None where that is everywhere.
    """

    footage: Footage
    original: Footage
    prompt: str
    region: Region | None = None

    @property
    def frames(self) -> np.ndarray:
        """uint8 RGB (F, H, W, 3)."""
        return self.footage.frames

    @property
    def source(self) -> np.ndarray | None:
        """The source's frames, uint8 RGB (F, H, W, 3); None where the clip is the source."""
        return self.original.frames if self.footage is not self.original else None

    @cached_property
    def kept(self) -> np.ndarray | None:
        """bool (F, H, W), the pixels that should stay."""
        return self.region.kept_pixels(self._size) if self.region else None

    @property
    def motion(self) -> Motion:
        """The source's motion."""
        return self.original.motion

    @property
    def images(self) -> Tensor | None:
        """(F, D), the frames' CLIP embeddings, each of norm 1."""
        return self.footage.images

    @cached_property
    def text(self) -> Tensor | None:
        """(D,), the prompt's CLIP embedding, of norm 1. Raises PromptError if CLIP cannot read all of it."""
        clip = self.footage.networks.clip
        return clip.text(self.prompt) if clip is not None else None

    @cached_property
    def objects(self) -> Tensor | None:
        """(N, D), CLIP embeddings of norm 1 of the object's square in each of the N frames that show it."""
        clip = self.footage.networks.clip
        if clip is None or self.region is None:
            return None
        boxes = self.region.object_boxes(self._size)
        crops = [frame[box[0] : box[2], box[1] : box[3]] for frame, box in zip(self.frames, boxes) if box]
        return clip.images(crops) if crops else torch.zeros(0, 1)

    @property
    def lpips(self) -> Distance | None:
        """The network that tells how different two frames look."""
        return self.footage.networks.lpips

    @property
    def _size(self) -> tuple[int, int]:
        height, width = self.frames.shape[1:3]
        return height, width


def measure(sample: Sample, metrics: Iterable[Metric]) -> dict[str, float | None]:
    """The value of each metric, by name. One that needs a part that is not to be had is left out.

    Raises:
        PromptError: CLIP cannot read all of the prompt.
    """
    values = {}
    for metric in metrics:
        parts = list(takewhile(lambda part: part is not None, (getattr(sample, need) for need in metric.needs)))
        if len(parts) == len(metric.needs):
            values[metric.name] = metric.function(*parts)
    return values
