"""A clip that is edited: its frames, when they are shown, and where its sound is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, Mapping

import numpy as np

from vp2p.video.between import Between, fitted, small
from vp2p.video.fitting import Size, fit_frames, target_size
from vp2p.video.timing import Timing


@dataclass(frozen=True)
class Clip:
    """Frames of a clip.

    ``pixels`` is uint8 RGB (F, H, W, 3). ``timing`` says when each frame is shown, and which seconds of the video
    they cover. ``sound`` is a file whose sound goes with them, or None. ``notes`` say what a user should know of how
    they were read. ``size`` and ``fit`` say how a model brings them to its size; see
    :class:`vp2p.settings.ClipSettings`. ``control`` holds pictures of its structure, uint8 RGB (F, h, w, 3), by the
    kind of ControlNet that they are for. ``between`` holds the frames between each two, small; see
    :mod:`vp2p.video.between`.
    """

    pixels: np.ndarray
    timing: Timing
    notes: tuple[str, ...] = ()
    sound: Path | None = None
    size: str | None = None
    fit: Literal["crop", "pad", "stretch"] = "crop"
    control: Mapping[str, np.ndarray] = field(default_factory=dict)
    between: Between = ()

    @classmethod
    def of(
        cls, frames: np.ndarray, rate: float | Fraction = 8, control: Mapping[str, np.ndarray] | None = None
    ) -> Clip:
        """A clip of frames, uint8 RGB (F, H, W, 3), at a rate in frames a second; it has no sound."""
        return cls(frames, Timing(Fraction(rate).limit_denominator(1001)), control=control or {})

    @property
    def rate(self) -> Fraction:
        """Frames a second, in the mean where they come at uneven times."""
        return self.timing.rate

    def fitted(self, model_size: int | Size, multiple: int) -> Clip:
        """The clip at the size at which a model takes it; a clip that was fitted stays as it is.

        Args:
            model_size: the model's own side, or width and height, in pixels.
            multiple: what the sides must be multiples of.

        Raises:
            UsageError: see :func:`vp2p.video.fitting.target_size`.
        """
        height, width = self.pixels.shape[1:3]
        size = target_size((width, height), self.size, model_size, multiple)
        control = {kind: fit_frames(pictures, size, self.fit) for kind, pictures in self.control.items()}
        between = tuple(fitted(list(each), small(size), self.fit) for each in self.between)
        pixels = fit_frames(self.pixels, size, self.fit)
        return dataclasses.replace(self, pixels=pixels, size="keep", control=control, between=between)
