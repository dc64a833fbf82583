"""The bundled model folder: small, in half precision, loaded by the libraries alone, and able to draw."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from vp2p.models.folder import read_folder
from vp2p.schema import from_mapping
from vp2p.settings import InvertSettings, TuneSettings
from vp2p.sprites.export import MODEL
from vp2p.sprites.language import WORDS
from vp2p.sprites.sampling import Drawer
from vp2p.sprites.scenes import Scene
from vp2p.sprites.train_vae import psnr, to_tensor


@pytest.fixture(scope="module")
def drawer() -> Drawer:
    return Drawer.from_folder(MODEL)


def test_the_folder_is_small_and_in_half_precision():
    weights = list(MODEL.rglob("*.safetensors"))
    assert len(weights) == 3
    assert sum(path.stat().st_size for path in MODEL.rglob("*")) <= 32 * 2**20
    for path in weights:
        with safe_open(path, "pt") as file:
            assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}


def test_the_folder_says_its_words():
    about = json.loads((MODEL / "vp2p.json").read_text(encoding="utf-8"))
    assert about["name"] == "sprites" and about["words"] == list(WORDS)


def test_the_settings_that_suit_the_model_are_settings():
    folder = read_folder(MODEL)
    assert from_mapping(InvertSettings, folder.suited("invert")).guidance == 3.0
    assert from_mapping(TuneSettings, folder.suited("tune")) == TuneSettings(steps=0)


def test_scenes_survive_the_autoencoder(drawer: Drawer):
    scenes = [Scene("cat", "grass", seed=1), Scene("bus", "sand", "red", seed=2)]
    x = to_tensor(np.concatenate([scene.render() for scene in scenes]))
    with torch.no_grad():
        latents = drawer.vae.encode(x).latent_dist.mean * drawer.vae.config.scaling_factor
        rebuilt = drawer.vae.decode(latents / drawer.vae.config.scaling_factor).sample.clamp(-1, 1)
    assert latents.shape == (2, 8, 16, 16)
    assert 0.5 < latents.std() < 2
    assert psnr(x, rebuilt) > 20


def test_places_come_out_in_their_colours(drawer: Drawer):
    grass, snow = drawer.draw(["a cat on the grass", "a cat on the snow"], seed=1, steps=12)
    border = np.ones((128, 128), bool)
    border[16:-16, 16:-16] = False
    red, green, blue = grass[border].mean(0)
    assert green > red + 30 and green > blue + 30
    assert snow[border].mean() > 190


def test_drawing_is_seeded(drawer: Drawer):
    first = drawer.draw(["a red car on the road"], seed=3, steps=2)
    assert np.array_equal(first, drawer.draw(["a red car on the road"], seed=3, steps=2))
    assert not np.array_equal(first, drawer.draw(["a red car on the road"], seed=4, steps=2))
