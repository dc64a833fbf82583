"""Small text-to-set models with random temporal weights, so that time matters."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vp2p.method.inversion.protocol import InversionTask
from vp2p.method.schedule import Schedule
from vp2p.models.loading import LatentModel, load_model
from vp2p.settings import InvertSettings, ModelSettings
from vp2p.t2s.inflation import TextToSetModel


class Small:
    """A tiny model, its text embeddings and a seeded clip."""

    def __init__(self, folder, frames: int = 3, randomise: bool = True) -> None:
        torch.manual_seed(0)
        self.latent: LatentModel = load_model(ModelSettings(model=str(folder), device="cpu"))
        self.model = TextToSetModel(self.latent.unet)
        if randomise:
            for name, parameter in self.model.unet.named_parameters():
                if "attn_temp.to_out" in name:
                    torch.nn.init.normal_(parameter, std=0.2)
        side = self.latent.folder.native_size // self.latent.folder.downscale
        self.latents = torch.randn(1, frames, self.latent.latent_channels, side, side)

    def embed(self, *prompts: str) -> torch.Tensor:
        from vp2p.models.text import encode_prompts

        return encode_prompts(self.latent, prompts)


def latents_task(
    model: TextToSetModel, schedule: Schedule, settings: InvertSettings, cond: torch.Tensor, uncond: torch.Tensor
) -> InversionTask:
    """The inversion of a clip whose latents are known: there is nothing to encode."""
    return InversionTask(model, schedule, settings, np.zeros((0, 0, 0, 3), np.uint8), torch.from_numpy, cond, uncond)


@pytest.fixture(params=["sd1", "sd2"])
def small(request) -> Small:
    return Small(request.getfixturevalue(f"{request.param}_folder"))


@pytest.fixture
def sd1(sd1_folder) -> Small:
    return Small(sd1_folder)


@pytest.fixture
def sd2(sd2_folder) -> Small:
    """The smaller of the two, for what takes many steps."""
    return Small(sd2_folder)
