"""Four tuning steps against the released code."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from tests.golden.conftest import frames_first
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.settings import TuneSettings


def test_tuned_tensors(golden):
    data = golden.tensors("tuning_h8_l2_gc0")
    model = golden.model("init")
    model.load_tuned({name[5:]: tensor for name, tensor in data.items() if name.startswith("init.")})
    settings = TuneSettings(steps=4, learning_rate=3e-3)
    state = Tuning.start(model, settings)
    before = {name: tensor.clone() for name, tensor in state.tuned().items()}
    losses = []
    # The stored latents differ a little between steps: the released code draws from the posterior.
    for step in range(4):
        tune(
            TuningTask(
                model,
                golden.scheduler(),
                frames_first(data["latents"][step : step + 1]),
                data["text"],
                TuneSettings(steps=step + 1, learning_rate=3e-3),
            ),
            state,
            lambda _, loss: losses.append(loss),
            lambda at: (frames_first(data["noise"][at : at + 1]), int(data["t"][at])),
        )
    assert_close(torch.tensor(losses, dtype=torch.float64), data["loss"], atol=1e-5, rtol=1e-5)
    final = {name[6:]: tensor for name, tensor in data.items() if name.startswith("final.")}
    for name, tensor in state.tuned().items():
        change = (tensor - final[name]).abs()
        # Adam turns a near-zero gradient into a whole step of either sign.
        assert change.median() < 1e-5 and change.max() < 2 * 4 * 3e-3, name
    moved = [name for name, tensor in state.tuned().items() if not torch.equal(tensor, before[name])]
    assert len(moved) == len(state.weights)
