"""Maps of words: the bundled model lights up where the word is, and looking changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import adaptive_avg_pool2d

from vp2p.method.attention.collect import MapCollector, MapQuery, Trajectory, collect_maps, spread
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.method.inversion.noise import noised
from vp2p.method.schedule import Schedule, generator
from vp2p.models.codec import encode_frames
from vp2p.models.loading import LatentModel, load_model
from vp2p.models.text import encode_prompts
from vp2p.prompts.words import find_word, split_prompt
from vp2p.settings import ModelSettings
from vp2p.sprites.scenes import Scene
from vp2p.t2s.inflation import TextToSetModel

SCENE = Scene("cat", "grass", path="slide", seed=3)
FRAMES = 3


@pytest.fixture(scope="module")
def sprites() -> tuple[LatentModel, TextToSetModel]:
    model = load_model(ModelSettings(model="sprites", device="cpu"))
    return model, TextToSetModel(model.unet)


def test_words_light_up_where_they_are(sprites: tuple[LatentModel, TextToSetModel]) -> None:
    model, t2s = sprites
    clip = encode_frames(model, SCENE.render(FRAMES))
    schedule = Schedule.of(model.scheduler, 10)
    prompt = split_prompt(model.tokenizer, SCENE.prompt)
    words = [find_word(prompt, name).tokens for name in ("cat", "grass", "the")]
    size = AttentionResolutions.of(t2s.layers, *clip.shape[-2:]).blend_size
    cond = encode_prompts(model, [SCENE.prompt])
    trajectory = Trajectory(schedule, noised(schedule, clip, clip, generator(0)), cond)
    maps = collect_maps(t2s, trajectory, MapQuery(words, [size], range(4, 9, 2)))[size]
    assert maps.shape == (3, FRAMES, *size) and maps.min() >= 0 and maps.max() <= 1
    inside = adaptive_avg_pool2d(torch.from_numpy(SCENE.masks(FRAMES)).float()[:, None], size)[:, 0]
    on_cat, on_ground = inside == 1, inside == 0
    cat, grass, _ = maps
    for frame in range(FRAMES):
        assert cat[frame][on_cat[frame]].mean() > 4 * cat[frame][on_ground[frame]].mean()
        assert grass[frame][on_ground[frame]].mean() > 4 * grass[frame][on_cat[frame]].mean()
    of_cat, of_grass, of_the = spread(maps).tolist()
    assert of_cat < 0.6 < of_grass and of_the > 0.7


def test_looking_changes_nothing(sprites: tuple[LatentModel, TextToSetModel]) -> None:
    model, t2s = sprites
    clip = encode_frames(model, SCENE.render(2))[None]
    cond = encode_prompts(model, [SCENE.prompt])
    with torch.no_grad():
        plain = t2s(clip, 300, cond)
        looked = t2s(clip, 300, cond, MapCollector([(1,), (2, 3)], [256, 64]))
    assert torch.equal(plain, looked)


def test_spread_of_known_maps() -> None:
    maps = torch.zeros(3, 2, 4, 4)
    maps[0] = 0.3
    maps[1, :, :2, :2] = 0.7
    maps[2, 0] = 1.0  # everywhere in one frame, one cell in the other
    maps[2, 1, 0, 0] = 1.0
    assert spread(maps).tolist() == pytest.approx([1.0, 0.25, (1 + 1 / 16) / 2])
