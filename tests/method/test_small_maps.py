"""Convolutions of small maps as matrix products agree with torch's own, forwards and backwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.method.conftest import Small
from vp2p.t2s.small_maps import SmallMapConv, use_small_maps


def _conv(**options: object) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(1024, 8, 3, padding=1, **options)


@pytest.mark.parametrize(
    ("shape", "options"),
    [((8, 2, 2), {}), ((2, 3, 5), {}), ((6, 4, 4), {"stride": 2}), ((1, 1, 1), {"bias": False}), ((8, 8, 8), {})],
)
def test_it_agrees_with_torch(shape: tuple[int, int, int], options: dict) -> None:
    count, *size = shape
    conv, x = _conv(**options), torch.randn(count, 1024, *size, requires_grad=True)
    expected = conv(x)
    wanted = torch.autograd.grad(expected.square().sum(), (x, conv.weight))

    use_small_maps(conv)
    assert type(conv) is SmallMapConv
    found = conv(x)

    assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert_close(torch.autograd.grad(found.square().sum(), (x, conv.weight)), wanted, atol=1e-3, rtol=1e-4)


def test_only_small_maps_are_products(monkeypatch: pytest.MonkeyPatch) -> None:
    conv, taken = _conv(), []
    use_small_maps(conv)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, x: taken.append(len(x)))
    conv(torch.randn(24, 1024, 2, 2))
    conv(torch.randn(25, 1024, 2, 2))
    assert taken == [25]


@pytest.mark.parametrize(
    "options", [{"dilation": 2}, {"groups": 2}, {"padding_mode": "circular"}, {"stride": (1, 2)}], ids=str
)
def test_other_convolutions_stay_right(options: dict) -> None:
    conv, x = _conv(**options), torch.randn(1, 1024, 6, 6)
    expected = conv(x)
    use_small_maps(conv)
    assert_close(conv(x), expected, atol=1e-4, rtol=1e-4)


def test_narrow_layers_stay_as_they_are(sd1_folder) -> None:
    model = Small(sd1_folder).model
    assert not [module for module in model.unet.modules() if isinstance(module, SmallMapConv)]
