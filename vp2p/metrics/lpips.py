"""How alike two clips look to a network trained on people's judgements: LPIPS (Zhang et al., 2018)."""

from __future__ import annotations

from typing import Callable

import numpy as np
import torch
from torch import Tensor

from vp2p.errors import ModelError, UsageError

# (1, 3, H, W) twice, in 0...1, to their distance.
Distance = Callable[[Tensor, Tensor], Tensor]


def load_lpips() -> Distance:
    """LPIPS with AlexNet, version 0.1, by torchmetrics; its AlexNet is downloaded once, by torchvision.

    Raises:
        UsageError: torchmetrics or torchvision is missing, or torchvision does not fit the installed torch.
        ModelError: AlexNet's weights cannot be had.
    """
    try:
        import torchvision  # noqa: F401
        from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity
    except (ImportError, RuntimeError) as error:  # a torchvision of another torch raises RuntimeError
        raise UsageError(
            f"LPIPS needs torchmetrics and torchvision, and one of them cannot be loaded: {_first_line(error)}",
            "pip install 'vp2p[lpips]', or leave out --lpips",
        ) from error
    try:
        distance: Distance = LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
        return distance
    except Exception as error:  # torch.hub raises every kind of error for a download that fails
        folder = torch.hub.get_dir()
        raise ModelError(
            f"LPIPS needs torchvision's AlexNet, which could not be loaded: {_first_line(error)}",
            f"put alexnet-owt-7be5be79.pth into {folder}/checkpoints, or leave out --lpips",
        ) from error


@torch.no_grad()
def lpips(first: np.ndarray, second: np.ndarray, distance: Distance) -> float:
    """Mean LPIPS over frames of two uint8 clips (F, H, W, 3); 0 if equal."""
    pairs = zip(*(torch.from_numpy(clip).permute(0, 3, 1, 2).float() / 255 for clip in (first, second)))
    values = [float(distance(one[None], other[None])) for one, other in pairs]
    return sum(values) / len(values)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
