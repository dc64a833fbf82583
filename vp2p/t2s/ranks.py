"""The frames of a pass split over ranks: processes that run the same program, each with a part of the UNet's work.

All ranks give the same arguments and get the same predictions, so what calls the model knows of no ranks. Attention
within frames reads the first frame, which rank 0 holds and tells the others. Attention over time sees all frames of
some positions at each rank: the two are exchanged, as in DeepSpeed-Ulysses (Jacobs et al., 2309.14509).

On the way back each rank has the gradients of its own frames. Those of tensors that all ranks share are summed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import pad

from vp2p.errors import UsageError, Vp2pError, is_out_of_memory
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
        return _applied(_Given, x) if x.requires_grad else x

    def predicted(self, part: Window, values: Tensor) -> Tensor:
        """What the ranks predict for their parts (n, frames, …) put together; rank 0's where each had all frames."""
        return part.joined(values) if isinstance(part, Share) else _applied(_OfFirst, values, self.rank)

    def summed(self, gradient: Tensor) -> Tensor:
        """A parameter's gradient in float32, summed over the ranks."""
        return _sum(gradient.float())

    def least(self, numbers: Sequence[int], device: torch.device) -> list[int]:
        """The least that any rank gives of each number, so that all choose alike."""
        found = torch.tensor(numbers, dtype=torch.int64, device=device)
        with _together():
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
        return _sum(super().among_all(values))

    def joined(self, values: Tensor) -> Tensor:
        """See :meth:`vp2p.t2s.windows.Window.joined`."""
        return _applied(_Joined, values, self)

    def own(self, values: Tensor) -> Tensor:
        """See :meth:`vp2p.t2s.windows.Window.own`."""
        parts: tuple[Tensor, ...] = values.split(self.sizes, 1)
        return parts[self.rank]

    def first(self, x: Tensor) -> Tensor:
        """The first frame's rows (B, n, width), of a rank's own frames (B·f, n, width)."""
        return _applied(_First, x, self)

    def by_position(self, clip: Tensor) -> Tensor:
        """All frames of this rank's positions (B, F, m, width), of all positions of its frames (B, f, n, width).

        Where there are fewer positions than ranks, zeros stand for those that lack.
        """
        lacking = max(0, len(self.sizes) - clip.shape[2])
        padded = pad(clip, (0, 0, 0, lacking)) if lacking else clip
        return _applied(_Exchanged, padded, (2, self._positions(clip.shape[2])), (1, self.sizes), self.rank)

    def by_frame(self, clip: Tensor, positions: int) -> Tensor:
        """The way back, of n ``positions``."""
        found = _applied(_Exchanged, clip, (1, self.sizes), (2, self._positions(positions)), self.rank)
        return found[:, :, :positions]

    def _positions(self, count: int) -> tuple[int, ...]:
        return even(max(count, len(self.sizes)), len(self.sizes))

    def total(self, x: Tensor) -> Tensor:
        """The sum over the ranks, at each of them."""
        return _applied(_Total, x)


def even(count: int, parts: int) -> tuple[int, ...]:
    """The sizes of so many parts, which differ by one at most, the larger ones first."""
    return tuple(count // parts + (part < count % parts) for part in range(parts))


@contextmanager
def _together() -> Iterator[None]:
    """What all ranks do at the same time. Raises Vp2pError where another one no longer does."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise Vp2pError(
            "Another rank stopped, so this one cannot go on.", "see what is said of it, then the same command again"
        ) from error


def meet() -> None:
    """Waits until all ranks are here. Raises Vp2pError where one has stopped."""
    _sum(torch.zeros(1))


def _sum(x: Tensor) -> Tensor:
    found = x.contiguous().clone()
    with _together():
        dist.all_reduce(found)
    return found


def _exchange(pieces: Sequence[Tensor], shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    """The tensors of these shapes that the ranks send to this one, for one ``piece`` to each of them."""
    sizes = [torch.Size(shape).numel() for shape in shapes]
    sent = torch.cat([piece.reshape(-1) for piece in pieces])
    found = sent.new_empty(sum(sizes))
    with _together():
        dist.all_to_all_single(found, sent, sizes, [piece.numel() for piece in pieces])
    return [part.view(*shape) for part, shape in zip(found.split(sizes), shapes)]


_Parts = tuple[int, tuple[int, ...]]  # an axis, and the ranks' sizes along it


def _exchanged(x: Tensor, split: _Parts, join: _Parts, rank: int) -> Tensor:
    """Each rank has all of one axis and a part of the other before, and the other way about after."""
    (axis, mine), (other, theirs) = split, join
    shapes = []
    for size in theirs:
        shape = list(x.shape)
        shape[axis], shape[other] = mine[rank], size
        shapes.append(shape)
    return torch.cat(_exchange(x.split(mine, axis), shapes), other)


def _applied(function: Any, *given: Any) -> Tensor:
    found: Tensor = function.apply(*given)
    return found


class _Exchanged(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, split: _Parts, join: _Parts, rank: int) -> Tensor:
        ctx.ways = join, split, rank
        return _exchanged(x, split, join, rank)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _exchanged(gradient, *ctx.ways), None, None, None


class _First(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: Share) -> Tensor:
        ctx.share, ctx.shape = share, x.shape
        first = x[:: share.sizes[share.rank]].contiguous().clone()
        with _together():
            dist.broadcast(first, 0)
        return first

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        total, found = _sum(gradient), gradient.new_zeros(ctx.shape)
        if ctx.share.rank == 0:
            found[:: ctx.share.sizes[0]] = total
        return found, None


class _Total(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return _sum(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _sum(gradient)


class _Given(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _sum(gradient)


class _Joined(torch.autograd.Function):
    """All ranks go on alike with what is joined, so each takes the gradient of its own frames."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, share: Share) -> Tensor:
        ctx.share = share
        shapes = [(len(values), size, *values.shape[2:]) for size in share.sizes]
        return torch.cat(_exchange([values] * len(shapes), shapes), 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return ctx.share.own(gradient), None


class _OfFirst(torch.autograd.Function):
    """All ranks did the same, so rank 0 alone takes the gradient: sums over the ranks count it once."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rank: int) -> Tensor:
        ctx.rank = rank
        found = values.contiguous().clone()
        with _together():
            dist.broadcast(found, 0)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return (gradient if ctx.rank == 0 else torch.zeros_like(gradient)), None
