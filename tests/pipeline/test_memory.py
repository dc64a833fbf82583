"""The memory that a model needs, counted on shapes: as much as is taken when the same is done in earnest."""

from __future__ import annotations

import copy

import pytest
import torch

from vp2p.models.folder import ModelFolder
from vp2p.models.loading import LatentModel
from vp2p.pipeline.memory import BRANCHES, Live, Memory, Work, memory_needed
from vp2p.t2s import TextToSetModel

_FRAMES, _SIDE = 4, 128


def _needed(model: ModelFolder, frames: int = _FRAMES, side: int = _SIDE, dtype: torch.dtype = torch.float32) -> Memory:
    return memory_needed(model, 0, Work(frames, (side, side), dtype))


def _weights(model: LatentModel) -> int:
    counted = TextToSetModel(copy.deepcopy(model.unet))
    return sum(4 * one.numel() for part in (counted.unet, model.vae) for one in part.parameters())


@pytest.mark.parametrize("kind", ["sd1", "sd2"])
def test_as_much_as_is_taken_in_earnest(kind: str, request: pytest.FixtureRequest) -> None:
    model: LatentModel = request.getfixturevalue(kind)
    side = _SIDE // model.folder.downscale
    t2s = TextToSetModel(copy.deepcopy(model.unet)).eval().requires_grad_(False)
    texts = torch.randn(BRANCHES, model.token_limit, model.text_encoder.config.hidden_size)
    with torch.no_grad(), Live() as live:
        t2s(torch.randn(BRANCHES, _FRAMES, 4, side, side), 1, texts)
        model.vae.decode(torch.randn(1, 4, side, side))
    editing = live.peak
    trained = list(t2s.tuned_parameters().values())
    for parameter in trained:
        parameter.requires_grad_(True)
    with Live() as live:
        loss = t2s(torch.randn(1, _FRAMES, 4, side, side), 1, texts[:1]).square().mean()
        torch.autograd.grad(loss, trained)
    tuning = live.peak + 4 * 4 * sum(one.numel() for one in trained)
    needed = _needed(model.folder)
    assert needed.edit - _weights(model) == pytest.approx(editing, rel=0.15)
    assert needed.tune - _weights(model) == pytest.approx(tuning, rel=0.15)


def test_what_it_grows_with(sd1: LatentModel) -> None:
    few, many = _needed(sd1.folder), _needed(sd1.folder, frames=8)
    assert many.tune > few.tune and many.edit > few.edit
    assert _needed(sd1.folder, side=256).tune > 2 * few.tune
    assert _needed(sd1.folder, dtype=torch.bfloat16).tune < few.tune
    assert memory_needed(sd1.folder, 1000, Work(_FRAMES, (_SIDE, _SIDE), torch.float32)).tune == few.tune + 4000
