"""An edit's colours on a clip's own detail, by a guided filter: He and Sun, "Fast guided filter", 2015."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.compositing.pixels import with_neighbours

_RADIUS = 2  # pixels around each, in which an edit's colours follow the clip's
_EDGE = 6.0  # of 255: what differs less is no edge


def colour_change(clip: Tensor, edited: Tensor) -> Tensor:
    """What makes of a clip's colours (3, H, W) in 0…255 its edit's, around each pixel.

    Returns:
        (3, 3, H, W): by how much each of the edit's colours grows with each of the clip's.
    """
    height, width = clip.shape[-2:]
    both = torch.cat([clip, edited])
    products = clip[:, None] * both[None]
    means = with_neighbours(torch.cat([both, products.flatten(0, 1)]), _RADIUS)
    spread = means[6:].view_as(products) - means[:3, None] * means[None, :6]
    spread = spread.permute(2, 3, 0, 1)  # (H, W, 3, 6)
    own = spread[..., :3] + _EDGE**2 * torch.eye(3, device=clip.device)
    gains = torch.linalg.solve(own, spread[..., 3:])  # (H, W, 3 of the clip, 3 of the edit)
    return with_neighbours(gains.flatten(2).permute(2, 0, 1), _RADIUS).view(3, 3, height, width).transpose(0, 1)


def recoloured(colours: Tensor, gains: Tensor) -> Tensor:
    """Colours (3, H, W), or differences of them, as an edit changes them: see :func:`colour_change`."""
    return torch.einsum("ec...,c...->e...", gains, colours)


def with_detail(edited: Tensor, decoded: Tensor, clip: Tensor) -> Tensor:
    """An edit (3, H, W) with what the VAE lost of a clip, such as thin lines, in the edit's colours.

    Args:
        decoded: the clip (3, H, W) as the VAE returns it.
        clip: (3, H, W) in 0…255, as it is.
    """
    return (edited + recoloured(clip - decoded, colour_change(decoded, edited))).clamp(0, 255)
