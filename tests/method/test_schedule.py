"""The DDIM path by itself."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler
from torch.testing import assert_close

from vp2p.method.schedule import Schedule, ddim_move

SD = {
    "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False,
    "set_alpha_to_one": False, "steps_offset": 1,
}  # fmt: skip


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("steps", [7, 50])
def test_forth_and_back_with_the_same_prediction_is_the_identity(prediction, steps):
    schedule = Schedule.of(DDIMScheduler(**SD, prediction_type=prediction), steps)
    x = start = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    noises = [torch.randn(x.shape, generator=torch.Generator().manual_seed(k)) for k in range(steps)]
    for index in range(1, steps + 1):
        x = ddim_move(x, noises[index - 1], schedule.alphas[index - 1], schedule.alphas[index])
    for index in range(steps, 0, -1):
        noise = noises[index - 1]
        alpha = schedule.alphas[index]
        prediction_ = (noise - (1 - alpha) ** 0.5 * x) / alpha**0.5 if schedule.velocity else noise
        x = schedule.denoise(prediction_, x, index)
    assert_close(x, start, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_a_step_down_is_the_library_s(prediction):
    scheduler = DDIMScheduler(**SD, prediction_type=prediction)
    schedule = Schedule.of(scheduler, 10)
    x, out = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for index in (10, 5, 1):
        expected = scheduler.step(out, schedule.timestep(index), x).prev_sample
        assert_close(schedule.denoise(out, x, index), expected, atol=1e-5, rtol=1e-5)


def test_a_step_up_is_the_library_s():
    inverse = DDIMInverseScheduler(**{key: value for key, value in SD.items() if key != "set_alpha_to_one"})
    schedule = Schedule.of(DDIMScheduler(**SD), 10)
    inverse.set_timesteps(10)
    x, eps = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    for index in (2, 6, 10):
        expected = inverse.step(eps, schedule.timestep(index), x).prev_sample
        moved = ddim_move(x, eps, schedule.alphas[index - 1], schedule.alphas[index])
        assert_close(moved, expected, atol=1e-5, rtol=1e-5)
