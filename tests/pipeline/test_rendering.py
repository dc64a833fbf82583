"""A composite that is rendered again, or drawn from other noise, changes where it may, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import vp2p
from vp2p.sprites.scenes import Scene

PROMPT = "a cat on the grass"


@pytest.fixture(scope="module")
def inversion() -> tuple[vp2p.VideoModel, vp2p.Inversion]:
    model = vp2p.load("sprites", device="cpu")
    frames = Scene("cat", "grass", path="slide", seed=4).render(2)
    clip = replace(vp2p.Clip.of(frames[:, ::2, ::2].copy()), size="keep")
    return model, model.invert(clip, PROMPT, steps=2)


def _middle() -> np.ndarray:
    """A mask (2, 64, 64) around the object."""
    mask = np.zeros((2, 64, 64), bool)
    mask[:, 12:56, 12:56] = True
    return mask


def test_rendering_again_changes_the_object_and_keeps_the_clip_around_it(
    inversion: tuple[vp2p.VideoModel, vp2p.Inversion],
) -> None:
    (model, inverted), mask = inversion, _middle()
    options = {"swap": {"cat": "dog"}, "candidates": 1, "mask": mask}
    plain, again = (model.edit(inverted, render=render, **options) for render in (0.0, 0.5))
    assert np.array_equal(again.frames[~mask], inverted.clip.pixels[~mask])
    changed = np.abs(again.frames.astype(int) - plain.frames).max(-1)
    assert changed[mask].max() > 8 and not changed[~mask].any()


def test_another_seed_gives_another_look_and_the_same_seed_the_same(
    inversion: tuple[vp2p.VideoModel, vp2p.Inversion],
) -> None:
    (model, inverted), mask = inversion, _middle()
    made = [
        model.edit(inverted, swap={"cat": "dog"}, candidates=1, mask=mask, seed=seed).frames for seed in (None, 1, 2, 1)
    ]
    assert np.array_equal(made[1], made[3])
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(made[one][mask].astype(int) - made[other][mask]).max() > 8
        assert np.array_equal(made[one][~mask], made[other][~mask])


def test_a_seed_that_draws_nothing_is_told_of(inversion: tuple[vp2p.VideoModel, vp2p.Inversion]) -> None:
    model, inverted = inversion
    whole = np.ones((2, 64, 64), bool)
    ground = model.edit(inverted, swap={"grass": "sand"}, candidates=1, mask=whole, seed=7)
    assert any("--seed 7 changed nothing" in note for note in ground.notes)
    style = model.edit(inverted, prompt="a sketch of a cat on the grass", candidates=1, no_blend=True, seed=7)
    assert any("--seed 7 has no effect with --no-blend" in note for note in style.notes)
    dog = model.edit(inverted, swap={"cat": "dog"}, candidates=1, mask=_middle(), seed=7)
    assert not any("--seed" in note for note in dog.notes)


def test_only_shares_of_the_steps_can_be_rendered_again() -> None:
    with pytest.raises(vp2p.errors.UsageError, match="render"):
        vp2p.settings.EditSettings.of(swap=["cat=dog"], render=1.5)
