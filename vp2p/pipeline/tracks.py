"""The tracks of a clip's objects, found once for all edits of the same object by the same mask."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vp2p.compositing.motion.protocol import MotionModel
from vp2p.compositing.track import ObjectTrack, track_object


class Shown(NamedTuple):
    """What an object is found by; see :func:`vp2p.compositing.track.track_object`."""

    clip: Tensor
    vae_reconstruction: Tensor
    coarse_mask: Tensor
    prior: Tensor | None

    def equals(self, other: Shown) -> bool:
        """Whether all is the same to the bit."""
        return all(
            one is two or (one is not None and two is not None and torch.equal(one, two))
            for one, two in zip(self, other)
        )


class Tracks:
    """Finds tracks, and keeps the one that was asked for last: each takes the memory of a few clips."""

    def __init__(self) -> None:
        self._last: tuple[Shown, ObjectTrack] | None = None

    def of(self, shown: Shown, model: MotionModel) -> ObjectTrack:
        """The track of what is shown.

        Args:
            model: how objects move; of one clip it is always the same.
        """
        if self._last is None or not self._last[0].equals(shown):
            self._last = None  # two are never held
            self._last = shown, track_object(*shown, model)
        return self._last[1]
