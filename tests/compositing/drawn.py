"""Drawn scenes as the method's functions take them."""

from __future__ import annotations

import torch
from torch import Tensor

from vp2p.compositing.motion.models import MODELS
from vp2p.compositing.motion.protocol import Motion
from vp2p.sprites.scenes import Scene

FRAMES, SIDE = 6, 128


def planes(scene: Scene) -> Tensor:
    """(F, 3, H, W) in 0…255."""
    return torch.from_numpy(scene.render(FRAMES, SIDE)).permute(0, 3, 1, 2).float()


def outlines(*scenes: Scene) -> Tensor:
    """Where any scene's object is: bool (F, H, W)."""
    return torch.stack([torch.from_numpy(scene.masks(FRAMES, SIDE)) for scene in scenes]).any(0)


def followed(clip: Tensor, objects: Tensor, model: str = "dense") -> Motion:
    """How objects, bool (F, H, W), move in a clip (F, 3, H, W)."""
    return MODELS[model].of_object(clip, objects, MODELS[model].of_background(clip, objects))
