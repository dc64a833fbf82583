"""The inflated UNet against the released one."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from tests.golden.conftest import frames_first


@pytest.mark.parametrize(("temporal", "key"), [("init", "eps_init"), ("tuned", "eps_tuned")])
def test_noise_prediction(golden, temporal, key):
    data = golden.tensors("unet3d_h8_l2")
    model = golden.model(temporal)
    latents, text = frames_first(data["latents"]), data["text"]
    with torch.no_grad():
        assert_close(model(latents, 501, text), frames_first(data[key]), atol=1e-5, rtol=1e-5)
        assert_close(model(latents[:, :1], 501, text), frames_first(data[f"{key}_f1"]), atol=1e-5, rtol=1e-5)


def test_noise_prediction_at_the_first_timestep(golden):
    data = golden.tensors("unet3d_h8_l2")
    with torch.no_grad():
        out = golden.model()(frames_first(data["latents"]), 1, data["text"])
    assert_close(out, frames_first(data["eps_tuned_t1"]), atol=1e-5, rtol=1e-5)


def test_activations_inside(golden):
    data = golden.tensors("unet3d_h8_l2")
    wanted = golden.tensors("unet3d_h8_l2_activations")
    model = golden.model()
    seen = {}
    for name, module in model.unet.named_modules():
        if f"act.{name}" in wanted:
            module.register_forward_hook(
                lambda _, __, out, name=name: seen.update({name: out[0] if isinstance(out, tuple) else out})
            )
    with torch.no_grad():
        model(frames_first(data["latents"]), 501, data["text"])
    assert {f"act.{name}" for name in seen} == set(wanted)
    for name, out in seen.items():
        expected = wanted[f"act.{name}"]
        if expected.ndim == 5:
            expected = frames_first(expected).flatten(0, 1)
        assert_close(out.reshape(expected.shape), expected, atol=2e-5, rtol=2e-5, msg=lambda m, n=name: f"{n}: {m}")


def test_a_text_for_each_frame_equals_one_for_all(golden):
    data = golden.tensors("unet3d_h8_l2")
    model = golden.model()
    latents, text = frames_first(data["latents"]), data["text"]
    with torch.no_grad():
        repeated = model(latents, 501, text[:, None].expand(-1, latents.shape[1], -1, -1))
        assert_close(repeated, model(latents, 501, text), atol=1e-5, rtol=1e-5)
