"""The memory that a model needs, counted on shapes: as much as is taken when the same is done in earnest."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import replace

import numpy as np
import pytest
import torch

from vp2p.method.tuning import Tuning, tune
from vp2p.models.folder import ModelFolder
from vp2p.models.loading import LatentModel
from vp2p.pipeline.described import Described
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.memory import Live, Shapes, Work, plenty
from vp2p.pipeline.tune import tuning_task
from vp2p.settings import TuneSettings
from vp2p.t2s.inflation import TextToSetModel
from vp2p.video.clip import Clip

_FRAMES, _SIDE = 4, 128
_TUNING = Work("tuning", _FRAMES, (_SIDE, _SIDE))
_EDITING = replace(_TUNING, stage="editing")
_NULL_TEXT = replace(_TUNING, stage="null-text inversion")


def _shapes(model: ModelFolder, dtype: torch.dtype = torch.float32) -> Shapes:
    return Shapes(model, dtype, 0)


def _taken(model: LatentModel, work: Work) -> int:
    """The peak of the same done in earnest, without the weights."""
    side = _SIDE // model.folder.downscale
    t2s = TextToSetModel(copy.deepcopy(model.unet)).eval().requires_grad_(False)
    t2s.save_memory(work.low)
    latents = torch.randn(work.branches, work.frames, 4, side, side)
    texts = torch.randn(work.branches, *model.folder.text_shape)
    trained = {"tuning": list(t2s.tuned_parameters().values()), "null-text inversion": [texts]}.get(work.stage, [])
    for parameter in trained:
        parameter.requires_grad_(True)
    with Live(t2s) as live, t2s.recomputing(work.recompute), torch.set_grad_enabled(bool(trained)):
        out = t2s(latents, 1, texts)
        if trained:
            torch.autograd.grad(out.square().mean(), trained)
    numbers = 4 * sum(one.numel() for one in trained) if work.stage == "tuning" else 0
    with Live(model.vae) as decoding, torch.no_grad():
        model.vae.decode(torch.randn(1 if work.low else work.frames, 4, side, side))
    return max(3 * numbers + max(numbers, live.peak), decoding.peak)


def _weights(model: LatentModel) -> int:
    counted = TextToSetModel(copy.deepcopy(model.unet))
    return sum(4 * one.numel() for part in (counted.unet, model.vae) for one in part.parameters())


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        *((kind, work) for kind in ("sd1", "sd2") for work in (_TUNING, _EDITING)),
        ("sd1", _NULL_TEXT),
        *(("sdxl", work) for work in (_TUNING, _NULL_TEXT, _EDITING)),
        ("sd2", replace(_EDITING, targets=4)),
        ("sd1", replace(_TUNING, recompute=True)),
        ("sd1", replace(_TUNING, low=True)),
        ("sd1", replace(_NULL_TEXT, low=True)),
        ("sd2", replace(_EDITING, low=True)),
    ],
)
def test_as_much_as_is_taken_in_earnest(kind: str, work: Work, request: pytest.FixtureRequest) -> None:
    model: LatentModel = request.getfixturevalue(kind)
    assert _shapes(model.folder).needed(work) - _weights(model) == pytest.approx(_taken(model, work), rel=0.15)


def test_tuning_takes_what_is_counted_and_no_gradient_outlives_its_step(sd1: LatentModel) -> None:
    model = InflatedModel(dataclasses.replace(sd1, unet=copy.deepcopy(sd1.unet)))
    settings = TuneSettings(steps=3)
    described = Described(Clip.of(np.zeros((_FRAMES, _SIDE, _SIDE, 3), np.uint8)), "a cat")
    task = tuning_task(model, described, settings)
    with Live(model.t2s) as live:
        tune(task, Tuning.start(model.t2s, settings))
    numbers = 4 * sum(one.numel() for one in model.t2s.tuned_parameters().values())
    counted = _shapes(sd1.folder).needed(_TUNING) - _weights(sd1)
    assert live.peak == pytest.approx(counted, abs=0.5 * numbers)


def test_weights_are_counted_once() -> None:
    network = torch.nn.Linear(1000, 1000, device="meta").requires_grad_(False)
    with Live(network) as live:
        network(torch.empty(1, 1000, device="meta"))
    assert live.peak < 100_000, "a linear layer's pass makes a view of its weight, and nothing else that is large"


def test_all_text_encoders_are_counted(sdxl: LatentModel) -> None:
    model = InflatedModel(dataclasses.replace(sdxl, unet=copy.deepcopy(sdxl.unet)))
    without = _shapes(sdxl.folder).needed(_EDITING)
    texts = (sdxl.text_encoder, sdxl.text_encoder_2)
    numbers = sum(one.numel() for part in texts if part is not None for one in part.parameters())
    assert model.memory_needed(_EDITING) - without == 4 * numbers


def test_what_it_grows_with(sd2: LatentModel) -> None:
    shapes = _shapes(sd2.folder)
    tuning, editing = shapes.needed(_TUNING), shapes.needed(_EDITING)
    assert shapes.needed(replace(_TUNING, frames=8)) > tuning
    assert shapes.needed(replace(_EDITING, frames=8)) > editing
    assert shapes.needed(replace(_TUNING, size=(256, 256))) > 2 * tuning
    assert shapes.needed(replace(_EDITING, targets=4)) > 1.5 * editing
    assert _shapes(sd2.folder, torch.bfloat16).needed(_TUNING) < tuning
    assert Shapes(sd2.folder, torch.float32, 1000).needed(_TUNING) == tuning + 4000


def test_what_it_shrinks_with(sd2: LatentModel) -> None:
    shapes = _shapes(sd2.folder)
    for work in (_TUNING, _EDITING):
        low = replace(work, low=True)
        assert shapes.needed(low, offload=True) <= shapes.needed(low) < shapes.needed(work)


def test_with_little_memory_text_encoders_and_vae_are_there_while_they_are_used(sd2: LatentModel) -> None:
    low = replace(_EDITING, low=True)
    without, texts = _shapes(sd2.folder).needed(low), 10**9
    while_they_read = Shapes(sd2.folder, torch.float32, texts // 4).needed(low)
    assert texts < while_they_read < texts + without
    assert Shapes(sd2.folder, torch.float32, 1).needed(low) == without


def test_plenty_is_more_than_any_stage_needs(sd1: LatentModel, sd2: LatentModel) -> None:
    for model, work in ((sd1, _TUNING), (sd1, replace(_EDITING, targets=4)), (sd2, replace(_TUNING, frames=16))):
        weights = _weights(model)
        assert _shapes(model.folder).needed(work) < plenty(model.folder, torch.float32, work, weights)
