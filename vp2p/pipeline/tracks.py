"""The tracks of a clip's objects, found once for all edits of the same object by the same mask."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from vp2p.compositing.motion.protocol import MotionModel
from vp2p.compositing.track import ObjectTrack, track_object

_KEPT = 2  # objects of one edit that others change, too; each takes the memory of a few clips


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
    """Finds tracks, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._known: list[tuple[Shown, ObjectTrack]] = []

    def of(self, shown: Shown, model: MotionModel) -> ObjectTrack:
        """The track of what is shown.

        Args:
            model: how objects move; of one clip it is always the same.
        """
        found = next((track for before, track in self._known if before.equals(shown)), None)
        found = track_object(*shown, model) if found is None else found
        others = [pair for pair in self._known if pair[1] is not found]
        self._known = [(shown, found), *others][:_KEPT]
        return found
