"""What ``--memory`` chooses by what is free, and what it refuses."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import vp2p
from vp2p.errors import SlowWarning, Vp2pError
from vp2p.models.free_memory import Free
from vp2p.pipeline.fit import fit
from vp2p.pipeline.memory import Work

_EDITING = Work("editing", 8, (64, 64))
_TUNING = Work("tuning", 8, (64, 64))


@pytest.fixture(scope="module")
def loaded(sd2_folder: Path) -> vp2p.VideoModel:
    return vp2p.load(str(sd2_folder), device="cpu")


@pytest.fixture
def model(loaded: vp2p.VideoModel) -> vp2p.VideoModel:
    loaded.memory = "auto"
    loaded.save_memory(False)
    return loaded


class _Machine:
    """Has so many bytes free as are said, beside the model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: vp2p.VideoModel) -> None:
        self._patch, self._model = monkeypatch, model

    def has(self, needed: float, swap: int = 0) -> None:
        now = int(needed) - self._model.bytes_held
        self._patch.setattr("vp2p.pipeline.fit.free_memory", lambda _: Free(now, now + swap))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, model: vp2p.VideoModel) -> _Machine:
    return _Machine(monkeypatch, model)


def _quiet(model: vp2p.VideoModel, work: Work) -> tuple[bool, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model, work)
    return model.low_memory, min(model.most_targets, 4)


def test_as_many_edits_share_a_pass_as_fit(model: vp2p.VideoModel, machine: _Machine) -> None:
    for targets in (4, 2, 1):
        machine.has(model.memory_needed(replace(_EDITING, targets=targets)))
        assert _quiet(model, _EDITING) == (False, targets)


def test_with_plenty_nothing_is_counted(model: vp2p.VideoModel, machine: _Machine) -> None:
    machine.has(1e12)
    model._needed.clear()
    assert _quiet(model, _EDITING) == (False, 4)
    assert not model._needed


def test_with_less_memory_is_saved_and_that_is_said(model: vp2p.VideoModel, machine: _Machine) -> None:
    machine.has(0.9 * model.memory_needed(_TUNING))
    with pytest.warns(SlowWarning, match=r"tuning would take \S+ MB of memory, and \S+ MB is there: memory is saved"):
        fit(model, _TUNING)
    assert model.low_memory
    machine.has(model.memory_needed(_TUNING))
    assert _quiet(model, _TUNING)[0] is False


@pytest.mark.parametrize("memory", ["auto", "low"])
def test_what_cannot_fit_is_refused_with_what_would(model: vp2p.VideoModel, machine: _Machine, memory: str) -> None:
    model.memory = memory  # type: ignore[assignment]
    machine.has(model.memory_needed(replace(_TUNING, frames=2, low=True)))
    with pytest.raises(Vp2pError) as refused:
        fit(model, _TUNING)
    assert refused.value.cause.startswith("Tuning with 8 frames of 64x64 needs about ")
    assert refused.value.hint == "vp2p config clip.frames 2, then vp2p tune; or try it all the same: --memory high"
    assert not model.low_memory


def test_a_smaller_size_where_no_fewer_frames_fit(model: vp2p.VideoModel, machine: _Machine) -> None:
    large = Work("editing", 2, (256, 128))
    machine.has(model.memory_needed(replace(large, size=(64, 32), low=True)))
    with pytest.raises(Vp2pError, match="Editing with 2 frames of 256x128") as refused:
        fit(model, large)
    assert refused.value.hint.startswith("vp2p config clip.size 64x32, then vp2p tune")


def test_half_precision_where_that_fits(model: vp2p.VideoModel, machine: _Machine) -> None:
    machine.has(model.memory_needed(replace(_TUNING, low=True), torch.bfloat16))
    with pytest.raises(Vp2pError) as refused:
        fit(model, _TUNING)
    assert refused.value.hint.startswith("vp2p config model.dtype bf16, then vp2p tune")


def test_with_nothing_that_fits(model: vp2p.VideoModel, machine: _Machine) -> None:
    machine.has(0)
    with pytest.raises(Vp2pError) as refused:
        fit(model, replace(_TUNING, frames=2))
    assert refused.value.hint == "end other programs; or try it all the same: --memory high"


def test_what_may_fit_is_not_refused(model: vp2p.VideoModel, machine: _Machine) -> None:
    needed = model.memory_needed(replace(_TUNING, low=True))
    for now, swap in ((0.91 * needed, 0), (0.5 * needed, needed)):
        machine.has(now, swap)
        with pytest.warns(SlowWarning):
            fit(model, _TUNING)
        assert model.low_memory


def test_where_free_memory_is_not_known_nothing_is_refused(
    model: vp2p.VideoModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vp2p.pipeline.fit.free_memory", lambda _: None)
    assert _quiet(model, replace(_TUNING, size=(10**5, 10**5))) == (False, 1)
    model.memory = "low"
    assert _quiet(model, replace(_TUNING, size=(10**5, 10**5))) == (True, 1)


def test_high_asks_nothing(model: vp2p.VideoModel, machine: _Machine) -> None:
    machine.has(0)
    model.memory = "high"
    model.save_memory(True)
    assert _quiet(model, _EDITING) == (False, 4)


def test_the_verbs_ask_before_they_start(model: vp2p.VideoModel, machine: _Machine) -> None:
    clip = replace(vp2p.Clip.of(np.zeros((2, 16, 16, 3), np.uint8)), size="keep")
    inversion = model.invert(clip, "a cat", steps=2)
    machine.has(0)
    model.memory = "low"  # one way is counted sooner than all
    for verb in (
        lambda: model.tune(clip, "a cat", steps=1),
        lambda: model.invert(clip, "a cat", steps=2),
        lambda: model.invert(clip, "a cat", steps=2, method="null-text"),
        lambda: model.edit(inversion, swap={"cat": "dog"}),
        lambda: model.attention(clip, "a cat"),
    ):
        with pytest.raises(Vp2pError, match="of memory"):
            verb()
