"""The frames of a pass split over ranks: processes that run the same program, each with a part of the UNet's work.

All ranks give the same arguments and get the same predictions, so what calls the model knows of no ranks. Attention
within frames reads the first frame, which rank 0 holds and tells the others. Attention over time sees all frames of
some positions at each rank: the two are exchanged, as in DeepSpeed-Ulysses (Jacobs et al., 2309.14509).

On the way back each rank has the gradients of its own frames. Those of tensors that all ranks share are summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import pad

from vp2p.errors import UsageError
from vp2p.t2s.collectives import Exchanged, First, Given, Joined, OfFirst, Total, applied, summed, together
from vp2p.t2s.windows import Window


@dataclass(frozen=True)
class Ranks:
    """The processes that share passes: which of ``count`` this one is."""

    rank: int
    count: int

    @classmethod
    def joined(cls, device: torch.device) -> Ranks | None:
        """The ranks of torch.distributed's default process group; None where this process is in none with others.

        Args:
            device: where the model is; CUDA needs a GPU for each rank of a machine.

        Raises:
            UsageError: the group's backend moves no tensors that are there.
        """
        if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
            return None
        if device.type != "cpu" and f"{device.type}:nccl" not in str(dist.get_backend_config()):
            raise UsageError(
                f"The ranks cannot share work on {device.type}.",
                "give torchrun --nproc-per-node at most the number of GPUs, or --device cpu",
            )
        return cls(dist.get_rank(), dist.get_world_size())

    def share(self, window: Window) -> Window:
        """This rank's part of a window; all of it where it has fewer frames than there are ranks."""
        count = len(window.frames)
        if count < self.count:
            return window
        sizes = even(count, self.count)
        start = sum(sizes[: self.rank])
        mine = slice(start, start + sizes[self.rank])
        return Share(window.frames[mine], window.weights[mine], window.count, self.rank, sizes, window.share)

    def given(self, x: Tensor) -> Tensor:
        """An argument that all ranks give alike; its gradient is the sum of theirs."""
        return applied(Given, x) if x.requires_grad else x

    def predicted(self, part: Window, values: Tensor) -> Tensor:
        """What the ranks predict for their parts (n, frames, …) put together; rank 0's where each had all frames."""
        return part.joined(values) if isinstance(part, Share) else applied(OfFirst, values, self.rank)

    def summed(self, gradient: Tensor) -> Tensor:
        """A parameter's gradient in float32, summed over the ranks."""
        return summed(gradient.float())

    def least(self, numbers: Sequence[int], device: torch.device) -> list[int]:
        """The least that any rank gives of each number, so that all choose alike."""
        found = torch.tensor(numbers, dtype=torch.int64, device=device)
        with together():
            dist.all_reduce(found, dist.ReduceOp.MIN)
        return [int(number) for number in found]


@dataclass(frozen=True)
class Share(Window):
    """The frames of a window that are one rank's; ``sizes`` are how many each has, in the order of the frames."""

    rank: int
    sizes: tuple[int, ...]
    of_clip: float

    @property
    def share(self) -> float:
        """Of the clip, that the ranks' shares of a window stand for together: what they add is summed at once."""
        return self.of_clip

    def among_all(self, values: Tensor) -> Tensor:
        """See :meth:`vp2p.t2s.windows.Window.among_all`; those of all ranks, at each of them."""
        return summed(super().among_all(values))

    def joined(self, values: Tensor) -> Tensor:
        """See :meth:`vp2p.t2s.windows.Window.joined`."""
        return applied(Joined, values, self.sizes, self.rank)

    def own(self, values: Tensor) -> Tensor:
        """See :meth:`vp2p.t2s.windows.Window.own`."""
        parts: tuple[Tensor, ...] = values.split(self.sizes, 1)
        return parts[self.rank]

    def first(self, x: Tensor) -> Tensor:
        """The first frame's rows (B, n, width), of a rank's own frames (B·f, n, width)."""
        return applied(First, x, self.sizes[self.rank], self.rank)

    def by_position(self, clip: Tensor) -> Tensor:
        """All frames of this rank's positions (B, F, m, width), of all positions of its frames (B, f, n, width).

        Where there are fewer positions than ranks, zeros stand for those that lack.
        """
        lacking = max(0, len(self.sizes) - clip.shape[2])
        padded = pad(clip, (0, 0, 0, lacking)) if lacking else clip
        return applied(Exchanged, padded, (2, self._positions(clip.shape[2])), (1, self.sizes), self.rank)

    def by_frame(self, clip: Tensor, positions: int) -> Tensor:
        """The way back, of n ``positions``."""
        found = applied(Exchanged, clip, (1, self.sizes), (2, self._positions(positions)), self.rank)
        return found[:, :, :positions]

    def _positions(self, count: int) -> tuple[int, ...]:
        return even(max(count, len(self.sizes)), len(self.sizes))

    def total(self, x: Tensor) -> Tensor:
        """The sum over the ranks, at each of them."""
        return applied(Total, x)


def even(count: int, parts: int) -> tuple[int, ...]:
    """The sizes of so many parts, which differ by one at most, the larger ones first."""
    return tuple(count // parts + (part < count % parts) for part in range(parts))
