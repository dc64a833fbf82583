"""The DDIM scheduler of a model, whichever sampler its folder was saved with."""

from __future__ import annotations

from typing import Any, Mapping

from diffusers import DDIMScheduler

from vp2p.errors import ModelError
from vp2p.models.kinds import HINT

_PREDICTIONS = ("epsilon", "v_prediction")
_BETAS = ("linear", "scaled_linear", "squaredcos_cap_v2")


def ddim_scheduler(config: Mapping[str, Any]) -> DDIMScheduler:
    """A DDIM scheduler with the noise schedule of ``config``, a folder's ``scheduler_config.json``.

    Betas and prediction type are the model's. The rest is what Stable Diffusion is sampled with, and
    not what DDIMScheduler has by default: no clipping, leading spacing with offset 1, and the first
    alpha (not 1) below the last timestep.

    Raises:
        ModelError: for a prediction type other than epsilon and v, a flow-matching model, an unknown
            beta schedule, betas that are none, or betas that must be rescaled to zero terminal SNR.
    """
    name = str(config.get("_class_name", ""))
    prediction = config.get("prediction_type", "epsilon")
    other = "FlowMatch" in name or name.startswith("EDM")  # their noise is not of DDIM's kind
    if other or prediction not in _PREDICTIONS:
        what = f"the sampler {name}" if other else f"prediction_type {prediction!r}"
        raise ModelError(
            f"The model's scheduler asks for {what}, but only epsilon and v_prediction are supported.",
            HINT,
        )
    if config.get("rescale_betas_zero_snr", False):
        raise ModelError(
            "The model's scheduler rescales its betas to zero terminal SNR, from which DDIM inversion cannot start.",
            HINT,
        )
    betas = config.get("beta_schedule", "scaled_linear")
    if betas not in _BETAS:
        raise ModelError(
            f"The model's scheduler has beta_schedule {betas!r}, but only {', '.join(_BETAS)} are supported.",
            HINT,
        )
    try:
        scheduler = DDIMScheduler(
            num_train_timesteps=config.get("num_train_timesteps", 1000),
            beta_start=config.get("beta_start", 0.00085),
            beta_end=config.get("beta_end", 0.012),
            beta_schedule=betas,
            trained_betas=config.get("trained_betas"),
            prediction_type=prediction,
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            timestep_spacing="leading",
            rescale_betas_zero_snr=False,
        )
        alphas = scheduler.alphas_cumprod
        whole = bool(((alphas > 0) & (alphas <= 1)).all()) and len(alphas) >= scheduler.config.num_train_timesteps
    except (TypeError, ValueError, ArithmeticError, LookupError, RuntimeError):  # whatever numbers it was given
        whole = False
    if not whole:
        raise ModelError(
            "The model's scheduler_config.json gives betas that make no noise schedule: each must be from 0 to 1.",
            "correct beta_start, beta_end and trained_betas there, or copy the model folder again",
        )
    return scheduler
