"""The deterministic DDIM path between a clip and noise (Song et al., DDIM, equation 12, eta = 0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from diffusers import DDIMScheduler


def ddim_move(x: Tensor, eps: Tensor, alpha_from: float, alpha_to: float) -> Tensor:
    """Moves latents from one cumulative alpha to another along predicted noise.

    Denoising and inversion are the same step, with the alphas exchanged. Any shapes that broadcast.
    """
    return add_noise(remove_noise(x, eps, alpha_from), eps, alpha_to)


def remove_noise(x: Tensor, eps: Tensor, alpha: float) -> Tensor:
    """The clean latents that noisy ones are made of, were ``eps`` the noise in them (DDIM, equation 9)."""
    clean: Tensor = (x - (1 - alpha) ** 0.5 * eps) / alpha**0.5
    return clean


def add_noise(clean: Tensor, eps: Tensor, alpha: float) -> Tensor:
    """Clean latents under noise."""
    noisy: Tensor = alpha**0.5 * clean + (1 - alpha) ** 0.5 * eps
    return noisy


@dataclass(frozen=True)
class Schedule:
    """The T timesteps of a run and their cumulative alphas.

    ``timesteps`` descend, as an edit walks them. ``alphas`` has T+1 entries and ascends in noise:
    ``alphas[0]`` is the scheduler's final alpha (the clip), ``alphas[k]`` belongs to trajectory
    index k, that is to ``timesteps[T-k]``.
    """

    timesteps: tuple[int, ...]
    alphas: tuple[float, ...]
    velocity: bool

    @classmethod
    def of(cls, scheduler: DDIMScheduler, steps: int) -> Schedule:
        """The schedule of ``steps`` steps by a scheduler with ``set_alpha_to_one`` false."""
        scheduler.set_timesteps(steps)
        timesteps = tuple(int(t) for t in scheduler.timesteps)
        alphas = [float(scheduler.final_alpha_cumprod)]
        alphas += [float(scheduler.alphas_cumprod[t]) for t in reversed(timesteps)]
        return cls(timesteps, tuple(alphas), scheduler.config.prediction_type == "v_prediction")

    @property
    def steps(self) -> int:
        return len(self.timesteps)

    def timestep(self, index: int) -> int:
        """The model's timestep at trajectory index 1…T."""
        return self.timesteps[self.steps - index]

    def noise(self, prediction: Tensor, x: Tensor, index: int) -> Tensor:
        """Predicted noise at trajectory index 1…T, from noise or velocity (Salimans & Ho, section 4)."""
        if not self.velocity:
            return prediction
        alpha = self.alphas[index]
        eps: Tensor = alpha**0.5 * prediction + (1 - alpha) ** 0.5 * x
        return eps

    def denoise(self, prediction: Tensor, x: Tensor, index: int) -> Tensor:
        """Latents at trajectory index ``index - 1``, from the model's prediction at ``index``."""
        return ddim_move(x, self.noise(prediction, x, index), self.alphas[index], self.alphas[index - 1])


def guide(unconditional: Tensor, conditional: Tensor, guidance: float | Tensor) -> Tensor:
    """Classifier-free guidance (Ho & Salimans, equation 6)."""
    return unconditional + guidance * (conditional - unconditional)


def training_target(scheduler: DDIMScheduler, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """What the model should predict for noised latents: the noise, or the velocity."""
    if scheduler.config.prediction_type == "v_prediction":
        velocity: Tensor = scheduler.get_velocity(latents, noise, timestep)
        return velocity
    return noise


def no_progress(*_: object) -> None:
    """An ``on_step`` that does nothing."""


def generator(seed: int) -> torch.Generator:
    """A generator on the CPU, so that the same seed gives the same noise on every device."""
    return torch.Generator().manual_seed(seed)
