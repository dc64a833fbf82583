"""Convolutions of small maps as one matrix product, where a CPU's own are slow: the lowest blocks of small pictures."""

from __future__ import annotations

from torch import Tensor, nn, unflatten
from torch.nn.functional import linear, unfold

_ROWS = 96  # places of all maps together, up to which the product wins: 0.3 to 0.96 of the time; see docs/benchmarks.md
_CHANNELS = 1024  # below, it loses: 1.0 to 1.3 of the time with 640


class SmallMapConv(nn.Conv2d):
    """A 3 x 3 convolution with padding 1 and of one group, equal to its base to rounding."""

    def forward(self, x: Tensor) -> Tensor:
        height, width = ((side - 1) // stride + 1 for side, stride in zip(x.shape[-2:], self.stride))
        if x.device.type != "cpu" or len(x) * height * width > _ROWS:
            return super().forward(x)
        places = unfold(x, 3, padding=1, stride=self.stride)  # (B, channels · 9, h · w)
        out: Tensor = linear(places.transpose(1, 2).flatten(0, 1), self.weight.flatten(1), self.bias)
        return unflatten(unflatten(out, 0, (len(x), -1)).transpose(1, 2), 2, (height, width))


def use_small_maps(network: nn.Module) -> None:
    """Lets convolutions whose maps may become small choose; their weights stay as they are."""
    for module in network.modules():
        if type(module) is nn.Conv2d and _fits(module):
            module.__class__ = SmallMapConv


def _fits(conv: nn.Conv2d) -> bool:
    plain = conv.dilation == (1, 1) and conv.groups == 1 and conv.padding_mode == "zeros"
    return plain and conv.kernel_size == (3, 3) and conv.padding == (1, 1) and conv.in_channels >= _CHANNELS
