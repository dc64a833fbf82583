"""The scenes: the same seed draws the same picture, and an ideal edit stays inside the masks."""

from __future__ import annotations

import numpy as np
import pytest

from vp2p.errors import PromptError
from vp2p.sprites.drawing import Pose, place_sprite, sprite
from vp2p.sprites.grounds import ground
from vp2p.sprites.language import COLOURS, OBJECTS, PLACES, TEXTURES
from vp2p.sprites.scenes import PATHS, Scene, sample_scene

CAT = Scene("cat", "grass", seed=5)


def test_rendering_is_deterministic():
    scene = Scene("dog", "lava", "blue", "striped", path="bounce", seed=3)
    frames = scene.render(3)
    assert frames.shape == (3, 128, 128, 3) and frames.dtype == np.uint8
    assert np.array_equal(frames, scene.render(3))
    assert not np.array_equal(frames, Scene("dog", "lava", "blue", "striped", path="bounce", seed=4).render(3))


@pytest.mark.parametrize("path", PATHS)
def test_paths_move_the_object_and_never_the_ground(path: str):
    scene = CAT.replace(path=path)
    frames, masks = scene.render(4), scene.masks(4)
    assert masks.shape == (4, 128, 128) and masks.dtype == bool
    assert (masks[0] != masks[1]).any() == (path != "still")
    outside = ~masks.any(0)
    assert outside.any()
    assert np.array_equal(frames[0][outside], frames[2][outside])


def test_an_object_that_leaves_is_half_gone_in_the_end():
    for seed in range(5):
        first, *_, last = CAT.replace(path="leave", seed=seed).masks(6).sum((1, 2))
        assert 0.3 * first < last < 0.75 * first


@pytest.mark.parametrize("obj", OBJECTS)
def test_every_object_can_be_seen(obj: str):
    covered = CAT.replace(object=obj).masks()[0].mean()
    assert 0.06 < covered < 0.75


@pytest.mark.parametrize(
    "change", [{"object": "dog"}, {"colour": "red"}, {"texture": "spotted"}, {"object": "bus", "colour": "black"}]
)
def test_changing_a_word_of_the_object_stays_inside_both_masks(change: dict[str, str]):
    edited = CAT.replace(path="slide", **change)
    source = CAT.replace(path="slide")
    union = source.masks(3) | edited.masks(3)
    differs = (source.render(3) != edited.render(3)).any(-1)
    assert differs.any()
    assert not differs[~union].any()


def test_changing_the_place_keeps_the_object():
    coverage = place_sprite(sprite("cat"), CAT.poses()[0])[..., 3]
    whole, outside = coverage > 0.999, ~CAT.masks()[0]
    before, after = CAT.render()[0].astype(int), CAT.replace(place="snow").render()[0].astype(int)
    assert whole.sum() > 500
    assert np.abs(before[whole] - after[whole]).max() <= 1
    assert np.abs(before[outside] - after[outside]).mean() > 30


@pytest.mark.parametrize("colour", COLOURS)
def test_a_tint_is_nearest_to_its_own_colour(colour: str):
    def mean(picture: np.ndarray) -> np.ndarray:
        return picture[CAT.masks()[0]].mean(0)

    tinted = mean(CAT.replace(colour=colour).render()[0])
    others = {other: mean(CAT.replace(object="pig", colour=other).render()[0]) for other in COLOURS}
    assert min(others, key=lambda other: np.abs(others[other] - tinted).sum()) == colour


def test_textures_and_styles_change_the_picture():
    pictures = [CAT.replace(texture=texture).render()[0] for texture in (None, *TEXTURES)]
    for first in range(4):
        for second in range(first):
            assert np.abs(pictures[first].astype(int) - pictures[second]).mean() > 1
    sketch, neon = (CAT.replace(style=style).render()[0] for style in ("sketch", "neon"))
    assert sketch.mean() > 180 and np.ptp(sketch, axis=-1).max() <= 1
    assert neon.mean() < 70


@pytest.mark.parametrize("place", PLACES)
def test_grounds_have_the_size_asked_for(place: str):
    picture = ground(place, 1, 96)
    assert picture.shape == (96, 96, 3)
    assert 0 <= picture.min() and picture.max() <= 1
    assert np.array_equal(picture, ground(place, 1, 96))


def test_flip_mirrors_the_sprite():
    plain = place_sprite(sprite("cat"), Pose(0.5, 0.5, 0.8))
    mirrored = place_sprite(sprite("cat"), Pose(0.5, 0.5, 0.8, flip=True))
    assert np.abs(plain[:, ::-1] - mirrored).mean() < 0.01
    assert np.abs(plain - mirrored).mean() > 0.02


def test_unknown_words_are_refused():
    with pytest.raises(PromptError, match="zeppelin") as raised:
        Scene("zeppelin", "grass")
    assert "rabbit" in raised.value.hint


def test_sampled_scenes_follow_their_generator():
    assert sample_scene(np.random.default_rng(1)) == sample_scene(np.random.default_rng(1))
