"""Masks in a Python program: found, looked at, and given to an edit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vp2p
from tests.cli.conftest import moving_square
from vp2p.errors import PromptError, UsageError
from vp2p.pipeline.mask import marks_of
from vp2p.points import Point
from vp2p.sprites.scenes import Scene

PROMPT = "a cat on the grass"
QUICK = {"candidates": 0, "propagate": False}


@pytest.fixture(scope="module")
def model(sd2_folder: Path) -> vp2p.VideoModel:
    return vp2p.load(str(sd2_folder), device="cpu")


def test_a_mask_is_found_and_given_to_an_edit(model: vp2p.VideoModel, tmp_path: Path) -> None:
    clip = vp2p.Clip.of(moving_square(2, 96))
    found = model.mask(clip, PROMPT, mask_point=(14, 30), segmenter="none")
    size = model.fitted(clip).pixels.shape[:3]
    assert isinstance(found, vp2p.Mask) and found.pixels.shape == size and found.pixels.dtype == bool
    assert 0.02 < found.share < 0.5 and found.unseen == [] and "colours" in found.way
    wider = model.mask(clip, PROMPT, mask_point=(14, 30), segmenter="none", mask_grow=5)
    assert wider.share > found.share and not (found.pixels & ~wider.pixels).any()
    found.save_sheet(tmp_path / "mask.png")
    assert (tmp_path / "mask.png").stat().st_size > 1000
    inversion = model.invert(clip, PROMPT, method="direct", steps=2)
    edit = model.edit(inversion, swap={"cat": "dog"}, mask=found, **QUICK)
    assert edit.mask is not None and edit.mask.any() and not edit.mask.all()
    same = model.edit(inversion, swap={"cat": "dog"}, mask=found.pixels, **QUICK)
    assert np.array_equal(edit.frames, same.frames)
    scaled = tuple(side * inversion.clip.pixels.shape[1] / 96 for side in (14, 30))
    own = model.edit(inversion, swap={"cat": "dog"}, mask_point=[scaled], segmenter="none", **QUICK)
    assert own.mask is not None and own.mask.any() and any("by the clip's colours" in note for note in own.notes)
    with pytest.raises(UsageError, match="both say where"):
        model.edit(inversion, swap={"cat": "dog"}, mask=found, mask_text="cat", **QUICK)


def test_words_are_where_the_model_sees_them(model: vp2p.VideoModel) -> None:
    clip = vp2p.Clip.of(moving_square(2, 64))
    found = model.mask(clip, PROMPT, mask_text="the cat", segmenter="none")
    assert "attention" in found.way and found.pixels.any()
    assert np.array_equal(found.pixels, model.mask(clip, PROMPT, mask_text="cat", segmenter="none").pixels)
    with pytest.raises(PromptError, match="has 'horse'"):
        model.mask(clip, PROMPT, mask_text="the horse", segmenter="none")


@pytest.mark.slow
def test_the_bundled_model_finds_the_cat_by_its_word() -> None:
    scene = Scene("cat", "grass", path="bounce", seed=3)
    frames, known = scene.render(4, 128), scene.masks(4, 128)
    found = vp2p.load("sprites", device="cpu").mask(vp2p.Clip.of(frames), PROMPT, mask_text="the cat", segmenter="none")
    assert np.mean([(a & b).sum() / (a | b).sum() for a, b in zip(found.pixels, known)]) > 0.9


def test_points_land_where_they_were_seen() -> None:
    """In a video of 100 x 50 that is cropped to the square in its middle, and halved."""
    clip = vp2p.Clip.of(np.zeros((2, 25, 25, 3), np.uint8))
    (mark,) = marks_of([Point(50, 25, False, 1, True)], clip, (100, 50))
    assert (mark.frame, mark.inside) == (1, True)
    assert (mark.x, mark.y) == pytest.approx((12.25, 12.25))
    (mark,) = marks_of([Point(100, 0, True, 0, False)], clip, (100, 50))
    assert (mark.x, mark.y, mark.inside) == (24, 0, False)
    with pytest.raises(UsageError, match="the edit does not see"):
        marks_of([Point(10, 25, False, 0, True)], clip, (100, 50))
    with pytest.raises(UsageError, match="in frame 3, but the clip has 2"):
        marks_of([Point(50, 25, False, 2, True)], clip, (100, 50))
