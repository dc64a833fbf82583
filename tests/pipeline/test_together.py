"""Several edits in one pass are the edits that each is alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import vp2p
from vp2p.compositing.track import track_object
from vp2p.pipeline import together, tracks
from vp2p.sprites.scenes import Scene

PROMPT, STEPS = "a cat on the grass", 2
EDITS: dict[str, list[dict[str, Any]]] = {
    "swaps": [{"swap": {"cat": word}} for word in ("dog", "rabbit", "fox")],
    "swaps of any length": [{"swap": {"cat": word}} for word in ("dog", "baby elephant", "old red fox")],
    "of other kinds": [
        {"swap": {"cat": "dog", "grass": "sand"}},  # in layers
        {"prompt": "a red cat on the grass", "strength": 0.5},  # from another start
        {"reweight": {"cat": 2.0}, "guidance": 2.0},
        {"swap": {"cat": "dog"}, "no_blend": True},
    ],
}


@pytest.fixture(scope="module")
def model() -> vp2p.VideoModel:
    return vp2p.load("sprites", device="cpu")


@pytest.fixture(scope="module")
def inversion(model: vp2p.VideoModel) -> vp2p.Inversion:
    frames = Scene("cat", "grass", path="slide", seed=4).render(2)
    clip = replace(vp2p.Clip.of(frames[:, ::2, ::2].copy()), size="keep")
    return model.invert(clip, PROMPT, steps=STEPS)


class Passes:
    """How many branches, each of how many frames, every forward pass of a model has."""

    def __init__(self, model: vp2p.VideoModel) -> None:
        self.sizes: list[tuple[int, int]] = []
        self._hook = model.t2s.register_forward_pre_hook(lambda _, given: self.sizes.append(tuple(given[0].shape[:2])))

    def __enter__(self) -> Passes:
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()


@pytest.mark.parametrize("name", ["swaps of any length", "of other kinds"])
def test_edits_made_together_equal_edits_made_alone(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, name: str
) -> None:
    made = model.edit_all(inversion, EDITS[name], candidates=2)
    for options, edit in zip(EDITS[name], made):
        alone = model.edit(inversion, **options, candidates=2)
        assert edit.plan.target.prompt == alone.plan.target.prompt
        assert (edit.notes, edit.key_frames, edit.hard_frames) == (alone.notes, alone.key_frames, alone.hard_frames)
        assert np.array_equal(edit.source, alone.source)
        assert_close(edit.latents.targets, alone.latents.targets, atol=2e-4, rtol=1e-3)
        assert (edit.mask is None) == (alone.mask is None)
        assert edit.mask is None or np.array_equal(edit.mask, alone.mask)
        assert np.abs(edit.frames.astype(int) - alone.frames).max() <= 1
    assert any(edit.key_frames for edit in made)


def test_the_source_is_passed_once_for_all(model: vp2p.VideoModel, inversion: vp2p.Inversion) -> None:
    with Passes(model) as passes:
        made = model.edit_all(inversion, EDITS["swaps"][:2], candidates=3)
    assert passes.sizes[:STEPS] == [(5, 2)] * STEPS
    # The candidates' passes: of the key frames alone, with the source, whose attention is read beside theirs.
    keys = len(made[0].key_frames)
    assert all(edit.key_frames == made[0].key_frames for edit in made)
    assert passes.sizes[STEPS : 2 * STEPS] == [(13, keys)] * STEPS


def test_no_more_edits_share_a_pass_than_memory_is_meant_for(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST", 2)
    edits = [{"swap": {"cat": "dog"}}, {"swap": {"cat": "dog", "grass": "sand"}}]  # the second has two layers
    with Passes(model) as passes:
        model.edit_all(inversion, edits, propagate=False)
    assert passes.sizes[: 2 * STEPS] == [(5, 2)] * STEPS + [(3, 2)] * STEPS


def test_without_the_memory_for_all_they_are_made_in_several_passes(
    model: vp2p.VideoModel, inversion: vp2p.Inversion
) -> None:
    def refuse(_: object, given: tuple[torch.Tensor, ...]) -> None:
        if len(given[0]) > 3:
            raise torch.OutOfMemoryError

    whole = model.edit_all(inversion, EDITS["swaps"], propagate=False)
    hook = model.t2s.register_forward_pre_hook(refuse)
    told: list[str] = []
    try:
        parts = model.edit_all(inversion, EDITS["swaps"], propagate=False, on_step=lambda what, *_: told.append(what))
    finally:
        hook.remove()
    for one, other in zip(parts, whole):
        assert_close(one.latents.targets, other.latents.targets, atol=2e-4, rtol=1e-3)
    assert told[0] == "edit dog, rabbit, fox (1–1 of 3)"


def test_progress_says_which_edits_are_made(model: vp2p.VideoModel, inversion: vp2p.Inversion) -> None:
    told: list[tuple[str, int, int]] = []
    model.edit_all(
        inversion,
        EDITS["swaps"],
        candidates=1,
        on_step=lambda what, done, total, _="": told.append((what, done, total)),
    )
    assert ("edit dog, rabbit, fox", STEPS, STEPS) in told and ("candidates dog, rabbit, fox", 1, STEPS) in told


def test_a_mistake_in_one_is_told_before_any_is_made(model: vp2p.VideoModel, inversion: vp2p.Inversion) -> None:
    with Passes(model) as passes, pytest.raises(vp2p.errors.PromptError):
        model.edit_all(inversion, [*EDITS["swaps"] * 2, {"swap": {"horse": "dog"}}])
    assert passes.sizes == [] and model.edit_all(inversion, []) == []


def test_edits_whose_source_differs_are_parted_so_that_all_others_share(
    model: vp2p.VideoModel, inversion: vp2p.Inversion
) -> None:
    edits = [{"reweight": {"cat": weight}, "strength": strength} for weight in (2, 3, 4) for strength in (1.0, 0.4)]
    told: list[tuple[int, int]] = []
    made = model.edit_all(
        inversion,
        edits,
        candidates=0,
        propagate=False,
        on_step=lambda _, done, total, __="": told.append((done, total)),
    )
    assert len(told) == STEPS + 1  # one pass of all steps for three of them, and one of the last step for the others
    alone = model.edit(inversion, **edits[3], candidates=0, propagate=False)
    assert_close(made[3].latents.targets, alone.latents.targets, atol=2e-4, rtol=1e-3)


def test_an_object_is_followed_once_for_all_edits_inside_one_mask(
    model: vp2p.VideoModel, inversion: vp2p.Inversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[np.ndarray] = []

    def counted(*given: Any) -> Any:
        followed.append(given[2])
        return track_object(*given)

    monkeypatch.setattr(tracks, "track_object", counted)
    mask = np.zeros((2, 64, 64), bool)
    mask[:, 8:56, 8:56] = True
    edits: list[dict[str, Any]] = [{"swap": {"cat": "dog"}}, {"prompt": "a red cat on the grass"}]
    made = model.edit_all(inversion, edits, candidates=2, mask=mask)
    assert len(followed) == 1
    for options, edit in zip(edits, made):
        alone = model.edit(inversion, **options, candidates=2, mask=mask)
        assert np.abs(edit.frames.astype(int) - alone.frames).max() <= 1
        assert not np.array_equal(edit.frames, inversion.clip.pixels)
    assert len(followed) == 3
