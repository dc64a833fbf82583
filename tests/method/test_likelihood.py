"""How likely the bundled model finds drawn pictures, prompt by prompt."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vp2p.method.likelihood import denoising_loss
from vp2p.models.codec import encode_frames
from vp2p.models.loading import load_model
from vp2p.models.text import encode_prompts
from vp2p.settings import ModelSettings
from vp2p.sprites.scenes import Scene
from vp2p.t2s.inflation import TextToSetModel

PLACES = (("grass", 1), ("sand", 2), ("snow", 3), ("wood", 4))


@pytest.fixture(scope="module")
def sprites():
    latent = load_model(ModelSettings(device="cpu"))
    return latent, TextToSetModel(latent.unet)


def test_each_object_is_likeliest_by_its_own_name(sprites):
    latent, model = sprites
    objects = ("cat", "bus", "fish", "tree")
    scenes = [Scene(obj, place, seed=seed) for obj, (place, seed) in zip(objects, PLACES)]
    latents = encode_frames(latent, np.concatenate([scene.render(1, 128) for scene in scenes]))
    mask = torch.ones(len(scenes), *latents.shape[-2:])
    losses = torch.stack(
        [
            denoising_loss(model, latent.scheduler, latents, encode_prompts(latent, [f"a {obj} on the grass"]), mask)
            for obj in objects
        ]
    )  # (names, noise levels, pictures)
    assert (losses / losses.mean(0)).mean(1).argmin(0).tolist() == [0, 1, 2, 3]


def test_a_spoilt_frame_is_less_likely_and_only_inside_the_mask(sprites):
    latent, model = sprites
    scene = Scene("cat", "grass", seed=1)
    latents = encode_frames(latent, scene.render(1, 128)).repeat(2, 1, 1, 1)
    latents[1, :, 4:12, 4:12] = latents[1, :, 4:12, 4:12].flip(-1)
    cond = encode_prompts(latent, [scene.prompt])
    mask = torch.ones(2, *latents.shape[-2:])
    whole, spoilt = denoising_loss(model, latent.scheduler, latents, cond, mask).T
    assert (spoilt / whole).mean() > 1.05
    assert torch.equal(
        denoising_loss(model, latent.scheduler, latents, cond, mask),
        denoising_loss(model, latent.scheduler, latents, cond, mask),
    )
    alone = denoising_loss(model, latent.scheduler, latents[:1], cond, mask[:1])
    assert torch.allclose(alone[:, 0], whole, rtol=1e-3)  # frames do not see each other
