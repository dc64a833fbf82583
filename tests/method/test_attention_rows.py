"""Rows of attention in the shapes that CUDA's kernels take, or compute fast: the result is the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.t2s.fused import attend, in_parts, packed, parts_of_queries, rows_in_a_block

_MOST = 7


class _Rows(TorchFunctionMode):
    """Notes the rows of each call of fused attention."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is scaled_dot_product_attention:
            self.seen.append(len(args[0]))
        return function(*args, **(kwargs or {}))


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vp2p.t2s.fused._MOST_ROWS", _MOST)


@pytest.mark.parametrize("rows", [1, 65_535, 65_536, 131_071])
def test_no_call_has_more_rows_than_cuda_takes(rows: int) -> None:
    q, k, v = torch.randn(3, rows, 1, 2, 4)
    with _Rows() as calls:
        out = attend(q, k, v)
    assert sum(calls.seen) == rows and max(calls.seen) <= 65_535
    assert_close(out, scaled_dot_product_attention(q, k, v), atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_pass_in_parts_is_the_same_pass(small: Small, few_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    text = small.embed("a cat on the grass")
    with _Rows() as calls:
        parts = small.model(small.latents, 321, text)
    assert max(calls.seen) == _MOST
    monkeypatch.undo()
    with _Rows() as calls:
        whole = small.model(small.latents, 321, text)
    assert max(calls.seen) > _MOST
    assert_close(parts, whole, atol=1e-5, rtol=1e-5)


def test_gradients_pass_the_parts(sd1: Small, few_rows: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def gradient() -> torch.Tensor:
        text = sd1.embed("a cat").detach().requires_grad_()
        return torch.autograd.grad(sd1.model(sd1.latents, 321, text).square().mean(), text)[0]

    parts = gradient()
    monkeypatch.undo()
    assert_close(parts, gradient(), atol=1e-6, rtol=1e-4)


def _attended(rows: int, queries: int, keys: int, width: int = 40) -> tuple[Tensor, ...]:
    """Queries, keys and values (rows, 8, tokens, width) as layers make them."""
    torch.manual_seed(0)
    made = (torch.randn(rows, tokens, 8 * width).unflatten(-1, (8, width)) for tokens in (queries, keys, keys))
    return tuple(one.transpose(1, 2).requires_grad_() for one in made)


def _with_gradients(out: Tensor, given: tuple[Tensor, ...]) -> list[Tensor]:
    return [out, *torch.autograd.grad(out.square().sum(), given)]


@pytest.mark.parametrize("frames", [2, 5, 8, 16])
def test_short_rows_in_one_block_do_not_see_each_other(frames: int) -> None:
    given = _attended(16, frames, frames)
    together = rows_in_a_block(*given[:2])
    assert together > 1 and together * frames <= 64
    found, wanted = packed(*given, together), scaled_dot_product_attention(*given)
    assert_close(_with_gradients(found, given), _with_gradients(wanted, given), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(("queries", "keys"), [(16 * 1024, 77), (24 * 1024, 256)])
def test_long_queries_in_parts_attend_to_the_same_keys(queries: int, keys: int) -> None:
    given = _attended(1, queries, keys)
    parts = parts_of_queries(*given[:2])
    assert parts > 1 and queries % parts == 0
    found, wanted = in_parts(*given, parts), scaled_dot_product_attention(*given)
    assert_close(_with_gradients(found, given), _with_gradients(wanted, given), atol=1e-5, rtol=1e-4)


def test_rows_that_gain_nothing_stay_as_they_are() -> None:
    assert rows_in_a_block(*_attended(16, 64, 64)[:2]) == 1  # a block of their own
    assert rows_in_a_block(*_attended(16, 8, 77)[:2]) == 1  # attention to the text
    assert rows_in_a_block(*_attended(16, 8, 8, 160)[:2]) == 1
    assert rows_in_a_block(*_attended(16, 24, 24)[:2]) == 1  # two in a block
    assert rows_in_a_block(*_attended(5, 8, 8)[:2]) == 1  # of an odd number
    assert parts_of_queries(*_attended(1, 16384, 2048)[:2]) == 1  # blocks for all of a GPU
    assert parts_of_queries(*_attended(1, 8192, 77)[:2]) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("shape", [(4096, 8, 8, 40), (1, 32768, 77, 40), (1, 8192, 1024, 80)])
def test_a_gpu_attends_as_the_cpu_does(shape: tuple[int, int, int, int]) -> None:
    given = tuple(one.detach().bfloat16().requires_grad_() for one in _attended(*shape))
    there = tuple(one.detach().cuda().requires_grad_() for one in given)
    found = _with_gradients(attend(*there), there)
    exact = tuple(one.detach().float().requires_grad_() for one in given)
    for mine, wanted in zip(found, _with_gradients(scaled_dot_product_attention(*exact), exact)):
        assert (mine.cpu().float() - wanted).norm() < 0.02 * wanted.norm()
