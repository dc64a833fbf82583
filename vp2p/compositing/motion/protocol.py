"""What a motion model is: it finds how an object or its background moves, and warps pictures along."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

CONFIDENT = 0.25  # share of the texture that must follow a motion for it to be believed


class Motion(Protocol):
    """How something moves in a clip of F frames.

    ``confidence`` (F,) says which share of its texture moves like that, 0…1. ``scale`` and ``turn`` (F,) say how much
    larger it is than in frame 0, and by how many radians it is turned.
    """

    @property
    def confidence(self) -> Tensor: ...

    @property
    def scale(self) -> Tensor: ...

    @property
    def turn(self) -> Tensor: ...

    def warp(self, picture: Tensor, frame: int, to: int) -> tuple[Tensor, Tensor]:
        """A picture (c, H, W) of ``frame`` as it would be seen in frame ``to``.

        Returns:
            (c, H, W), and where it shows the picture rather than its border's continuation, bool (H, W).
        """


class MotionModel(Protocol):
    """One way to find motion.

    Both take a clip (F, 1, H, W), grey, in 0…1, and where the objects are, bool (F, H, W).
    """

    def of_object(self, clip: Tensor, objects: Tensor) -> Motion:
        """How the objects move."""

    def of_background(self, clip: Tensor, objects: Tensor) -> Motion:
        """How what lies behind the objects moves."""
