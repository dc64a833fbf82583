"""Optical flow without weights: iterative Lucas-Kanade on a pyramid (Le Besnerais and Champagnat, 2005)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad

_RADIUS, _ITERATIONS, _COARSEST = 3, 8, 32
# Of pixels in 0...1: below it a window is taken for flat, and keeps the flow of the level above.
_FLAT = 1e-5


def optical_flow(first: Tensor, second: Tensor) -> Tensor:
    """The motion w, in pixels, by which ``second(x + w(x))`` looks like ``first(x)``.

    Solved by least squares in windows of 13 x 13 pixels, again and again while ``second`` is warped
    back, on images halved until their shorter side is below 64 pixels, then on each finer one.

    Args:
        first, second: (N, 1, H, W) grey images in 0...1.

    Returns:
        (N, 2, H, W): to the right, and down.
    """
    pyramid = [(first, second)]
    while min(pyramid[-1][0].shape[-2:]) >= 2 * _COARSEST:
        pyramid.append(tuple(avg_pool2d(image, 2) for image in pyramid[-1]))
    flow = torch.zeros_like(pyramid[-1][0]).expand(-1, 2, -1, -1)
    for one, other in reversed(pyramid):
        flow = _resized(flow, one.shape[-2:])
        for _ in range(_ITERATIONS):
            flow = _improved(flow, one, other)
    return flow


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """``images(x + flow(x))`` by bilinear sampling; beyond the border its nearest pixel. (N, c, H, W), (N, 2, H, W)."""
    height, width = images.shape[-2:]
    rows, columns = torch.meshgrid(
        torch.arange(height, device=flow.device), torch.arange(width, device=flow.device), indexing="ij"
    )
    x = (columns + flow[:, 0]) * 2 / max(width - 1, 1) - 1
    y = (rows + flow[:, 1]) * 2 / max(height - 1, 1) - 1
    return grid_sample(images, torch.stack([x, y], dim=-1), padding_mode="border", align_corners=True)


def _resized(flow: Tensor, size: torch.Size) -> Tensor:
    scale = torch.tensor([size[1] / flow.shape[-1], size[0] / flow.shape[-2]], device=flow.device).view(1, 2, 1, 1)
    return interpolate(flow, size=size, mode="bilinear") * scale


def _improved(flow: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The one flow of each pixel's whole window that brings ``second``, warped by ``flow``, nearest to ``first``.

    Solving for the flow, not for a step from ``flow``, keeps neighbours alike, and so converges.
    """
    warped = warp(second, flow)
    gradient_y, gradient_x = torch.gradient(warped, dim=(-2, -1))
    flow_x, flow_y = flow.split(1, dim=1)
    left = first - warped + gradient_x * flow_x + gradient_y * flow_y
    products = (gradient_x**2, gradient_x * gradient_y, gradient_y**2, gradient_x * left, gradient_y * left)
    xx, xy, yy, x_left, y_left = _window(torch.cat(products, dim=1)).split(1, dim=1)
    xx, yy, x_left, y_left = xx + _FLAT, yy + _FLAT, x_left + _FLAT * flow_x, y_left + _FLAT * flow_y
    solved = torch.cat([yy * x_left - xy * y_left, xx * y_left - xy * x_left], dim=1)
    return solved / (xx * yy - xy**2)


def _window(x: Tensor) -> Tensor:
    """The mean over each pixel's window, which weighs its middle most.

    A mean of means: a window of equal weights lets errors of some frequencies grow with every step.
    """
    side = 2 * _RADIUS + 1
    for _ in range(2):
        padded = pad(x, (_RADIUS,) * 4, mode="replicate")
        x = avg_pool2d(avg_pool2d(padded, (side, 1), stride=1), (1, side), stride=1)
    return x
