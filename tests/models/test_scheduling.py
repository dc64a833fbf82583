"""DDIM from whatever scheduler a folder was saved with."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from vp2p.errors import ModelError
from vp2p.models.loading import LatentModel
from vp2p.models.scheduling import ddim_scheduler


def test_pndm_config_gives_stable_diffusions_timesteps(sd1: LatentModel) -> None:
    scheduler = sd1.scheduler
    scheduler.set_timesteps(50)
    assert scheduler.timesteps.tolist() == list(range(981, 0, -20))
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    torch.testing.assert_close(scheduler.alphas_cumprod.double(), (1 - betas).cumprod(0), rtol=1e-4, atol=0)
    assert scheduler.final_alpha_cumprod == scheduler.alphas_cumprod[0]
    assert not scheduler.config.clip_sample


def test_an_old_config_without_prediction_type_is_epsilon() -> None:
    config = {"_class_name": "PNDMScheduler", "beta_start": 0.001, "beta_end": 0.02, "beta_schedule": "linear"}
    scheduler = ddim_scheduler(config)
    assert scheduler.config.prediction_type == "epsilon"
    assert scheduler.betas[-1] == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"prediction_type": "sample"}, "sample"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "FlowMatch"),
        ({"rescale_betas_zero_snr": True}, "zero terminal SNR"),
        ({"beta_schedule": "sigmoid"}, "sigmoid"),
    ],
)
def test_unsupported_schedules(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        ddim_scheduler(config)
