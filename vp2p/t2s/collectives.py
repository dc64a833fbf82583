"""What ranks do together, with gradients: each moves tensors between all processes of torch.distributed at once.

A function's gradient is that of one program: what is the same at all ranks counts once, what differs is summed.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from vp2p.errors import Vp2pError, is_out_of_memory


@contextmanager
def together() -> Iterator[None]:
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
    summed(torch.zeros(1))


def summed(x: Tensor) -> Tensor:
    """The sum over the ranks, without gradients."""
    found = x.contiguous().clone()
    with together():
        dist.all_reduce(found)
    return found


def exchange(pieces: Sequence[Tensor], shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    """The tensors of these shapes that the ranks send to this one, for one ``piece`` to each of them."""
    sizes = [torch.Size(shape).numel() for shape in shapes]
    sent = torch.cat([piece.reshape(-1) for piece in pieces])
    found = sent.new_empty(sum(sizes))
    with together():
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
    return torch.cat(exchange(x.split(mine, axis), shapes), other)


def applied(function: type[torch.autograd.Function], *given: Any) -> Tensor:
    """What one of the functions below gives, with its type."""
    found: Tensor = function.apply(*given)
    return found


class Exchanged(torch.autograd.Function):
    """A tensor of which each rank has another part of one axis, split by another one instead."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, split: _Parts, join: _Parts, rank: int) -> Tensor:
        ctx.ways = join, split, rank
        return _exchanged(x, split, join, rank)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return _exchanged(gradient, *ctx.ways), None, None, None


class First(torch.autograd.Function):
    """The first of each clip's frames, which rank 0 holds, at all ranks; of (B·frames, n, width)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, frames: int, rank: int) -> Tensor:
        ctx.given = x.shape, frames, rank
        first = x[::frames].contiguous().clone()
        with together():
            dist.broadcast(first, 0)
        return first

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        shape, frames, rank = ctx.given
        total, found = summed(gradient), gradient.new_zeros(shape)
        if rank == 0:
            found[::frames] = total
        return found, None, None


class Total(torch.autograd.Function):
    """The sum over the ranks, at each of them."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return summed(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return summed(gradient)


class Given(torch.autograd.Function):
    """What all ranks give alike; its gradient is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return summed(gradient)


class Joined(torch.autograd.Function):
    """The ranks' frames put together along axis 1.

    All ranks go on alike with what is joined, so each takes the gradient of its own frames.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, sizes: tuple[int, ...], rank: int) -> Tensor:
        ctx.given = sizes, rank
        shapes = [(len(values), size, *values.shape[2:]) for size in sizes]
        return torch.cat(exchange([values] * len(shapes), shapes), 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        sizes, rank = ctx.given
        return gradient.split(sizes, 1)[rank], None, None


class OfFirst(torch.autograd.Function):
    """Rank 0's values. All ranks did the same, so it alone takes the gradient: sums over the ranks count it once."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, rank: int) -> Tensor:
        ctx.rank = rank
        found = values.contiguous().clone()
        with together():
            dist.broadcast(found, 0)
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        return (gradient if ctx.rank == 0 else torch.zeros_like(gradient)), None
