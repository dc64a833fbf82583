"""A long clip in windows: the model sees a few frames at a time, and in each window the clip's first one.

The predictions for a frame that several windows hold are averaged at each pass, as in MultiDiffusion (Bar-Tal et al.,
2302.08113), along time. So all windows stay in step with each other, and no frame is one window's end alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Iterator, Mapping

import torch
from torch import Tensor

ALL = 2**31
"""More frames than any clip has: no window is needed."""

_OVERLAP = 8  # two windows share this part of a window's frames, or more


@dataclass(frozen=True)
class Window:
    """Some of the ``count`` frames of a clip, its first one first.

    ``weights`` say how much the window counts in each of its ``frames``; over all windows they add up to one.
    """

    frames: tuple[int, ...]
    weights: tuple[float, ...]
    count: int

    @property
    def share(self) -> float:
        """Of the clip, that the window stands for; those of all windows add up to one."""
        return sum(self.weights) / self.count

    def of(self, values: Tensor, dim: int = 1) -> Tensor:
        """The window's frames of values that have all frames along ``dim``."""
        return values.index_select(dim, torch.tensor(self.frames, device=values.device))

    def joined(self, values: Tensor) -> Tensor:
        """Values (n, frames, …) of the frames that are passed at the same time, those of other ranks among them."""
        return values

    def own(self, values: Tensor) -> Tensor:
        """Of values that are :meth:`joined` those of the own ``frames``."""
        return values

    def among_all(self, values: Tensor) -> Tensor:
        """Values (n, frames, …), weighted, at their places among all frames, (n, count, …); zero elsewhere."""
        places = torch.tensor(self.frames, device=values.device)
        weights = torch.tensor(self.weights, dtype=values.dtype, device=values.device)
        weighted = values * weights.view(-1, *[1] * (values.ndim - 2))
        return values.new_zeros(values.shape[0], self.count, *values.shape[2:]).index_add(1, places, weighted)


def windows(count: int, most: int) -> tuple[Window, ...]:
    """The windows of a clip of ``count`` frames, with at most so many frames each, 4 or more; one if all fit in it.

    All are of one size, and spread evenly. Where two overlap, one fades into the other.
    """
    if count <= most:
        return (Window(tuple(range(count)), (1.0,) * count, count),)
    length = most - 1  # beside the first frame
    shared = max(1, most // _OVERLAP)
    steps = math.ceil((count - 1 - length) / (length - shared))
    starts = [1 + round(step * (count - 1 - length) / steps) for step in range(steps + 1)]
    ramps = [[float(min(place + 1, length - place, shared + 1)) for place in range(length)] for _ in starts]
    total = [0.0] * count
    for start, ramp in zip(starts, ramps):
        for place, weight in enumerate(ramp, start):
            total[place] += weight
    return tuple(
        Window(
            (0, *range(start, start + length)),
            (float(start == 1), *(weight / total[place] for place, weight in enumerate(ramp, start))),
            count,
        )
        for start, ramp in zip(starts, ramps)
    )


class WindowLog:
    """What the windows of a pass predicted, for a pass that is broken off and goes on later.

    ``carried`` holds what the windows so far give those that follow, where tokens are merged
    (:mod:`vp2p.t2s.merging`).

    Args:
        on_window: called after each window with the predictions so far.
        found: those that are known already, of the next pass.
        carried: what goes with these.
    """

    def __init__(
        self,
        on_window: Callable[[list[Tensor]], None],
        found: Iterator[Tensor] | None = None,
        carried: Mapping[str, Tensor] | None = None,
    ) -> None:
        self._on_window = on_window
        self._found: list[Tensor] = list(found or ())
        self.carried: dict[str, Tensor] = dict(carried or {})

    def logged(self, parts: tuple[Window, ...], predict: Callable[[Window], Tensor]) -> Iterator[Tensor]:
        """The predictions of a pass, window by window."""
        done, self._found = self._found, []
        if not done:
            self.carried.clear()
        yield from done
        for window in parts[len(done) :]:
            done = [*done, predict(window)]
            yield done[-1]
            if len(done) < len(parts):
                self._on_window(done)


def windows_told(count: int, most: int) -> str:
    """Says that so many frames pass in windows; empty where they do not."""
    parts = windows(count, most)
    return f"{count} frames pass the model in {len(parts)} windows of {most}" if len(parts) > 1 else ""
