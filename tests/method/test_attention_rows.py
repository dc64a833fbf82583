"""CUDA's kernels take so many rows of a batch: more are attended to in parts, with the same result."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.overrides import TorchFunctionMode
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.t2s import attend

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
    monkeypatch.setattr("vp2p.t2s.attention._MOST_ROWS", _MOST)


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
