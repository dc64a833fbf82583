"""What a motion model is: it finds how an object or its background moves, and warps pictures along."""

from __future__ import annotations

from typing import Iterable, Protocol

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

    @property
    def reach(self) -> Tensor:
        """(F, F): how much of each frame's object (column) can be made of what a frame (row) shows, 0…1."""

    @property
    def familiar(self) -> Tensor:
        """How much other frames show what each frame's object shows, on average, 0…1: (F, H, W), or (F, 1, 1)."""

    def prepare(self, frames: Iterable[int]) -> None:
        """Finds what warps from some frames need, before several threads ask for it."""

    def warp(self, picture: Tensor, frame: int, to: int, beyond: bool = False) -> tuple[Tensor, Tensor]:
        """A picture (c, H, W) of ``frame`` as it would be seen in frame ``to``.

        Args:
            beyond: whether the picture has another outline than the object. It then moves as the object does on the
                whole, and goes on so beyond its outline.

        Returns:
            (c, H, W), and where it shows the picture rather than its border's continuation, bool (H, W).
        """

    def field(self, frame: int, to: int, points: Tensor) -> Tensor:
        """From points (2, …) of ``to`` to their places in ``frame``, in pixels right and down: (2, …)."""

    def certainty(self, frame: int, to: int) -> Tensor:
        """How certain it is, 0…1, what each pixel of ``to`` looks like in ``frame``: (H, W), or one figure for all."""

    def resized(self, size: tuple[int, int], to: tuple[int, int]) -> Motion:
        """The same motion of a clip of frames of ``size`` (H, W) in frames of another."""


class MotionModel(Protocol):
    """One way to find motion.

    Both take a clip (F, 3, H, W) in 0…255, and where the objects are, bool (F, H, W).
    """

    def of_object(self, clip: Tensor, objects: Tensor, behind: Motion) -> Motion:
        """How the objects move; what lies behind them moves as ``behind``."""

    def of_background(self, clip: Tensor, objects: Tensor) -> Motion:
        """How what lies behind the objects moves."""
