"""Tuning of the text-to-set model on one clip (Video-P2P, section 3.1, equation 2)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from vp2p.method.schedule import generator, no_progress, training_target
from vp2p.settings import TuneSettings
from vp2p.t2s.graphs import recorded

if TYPE_CHECKING:
    from diffusers import DDIMScheduler

    from vp2p.t2s.inflation import TextToSetModel

Sampler = Callable[[int], tuple[Tensor, int]]

_EVERY = 20  # steps between two held-out losses
_PARTS = 4  # of the timesteps: a held-out loss is the mean over the middle of each
_FALLS = 0.02  # of itself, that a held-out loss must fall between two: docs/benchmarks.md has what more steps gain


@dataclass(frozen=True)
class TuningTask:
    """What is tuned on what: latents (1, F, c, h, w) of the clip, and ``cond`` (1, L, width) of the source prompt."""

    model: TextToSetModel
    scheduler: DDIMScheduler
    latents: Tensor
    cond: Tensor
    settings: TuneSettings


@dataclass
class Tuning:
    """All loop state of a tuning run: step, weights, optimiser, random generator.

    The weights are trained in float32 whatever the model computes in. Those of a model in float32 are its own, so they
    change with it. ``held_out`` are the losses on noise that is never trained on, each 20 steps from the start, where
    ``steps`` is ``auto``.
    """

    step: int
    weights: dict[str, nn.Parameter]
    optimiser: torch.optim.AdamW
    random: torch.Generator
    held_out: list[float] = field(default_factory=list)

    @property
    def settled(self) -> bool:
        """Whether the held-out loss no longer falls enough."""
        return len(self.held_out) > 1 and self.held_out[-1] > (1 - _FALLS) * self.held_out[-2]

    @classmethod
    def start(cls, model: TextToSetModel, settings: TuneSettings) -> Tuning:
        """Before the first step."""
        weights = {
            name: parameter if parameter.dtype == torch.float32 else nn.Parameter(parameter.detach().float())
            for name, parameter in model.tuned_parameters(settings.train_norm_temp).items()
        }
        # One kernel for all tensors on a GPU. On a CPU its last bits would differ from older runs.
        fused = all(weight.device.type == "cuda" for weight in weights.values())
        optimiser = torch.optim.AdamW(
            weights.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=fused
        )
        return cls(0, weights, optimiser, generator(settings.seed))

    def tuned(self) -> dict[str, Tensor]:
        """The trained tensors, float32; they share the memory of the weights."""
        return {name: weight.detach() for name, weight in self.weights.items()}

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything but the step, as tensors for a checkpoint."""
        tensors = {f"weights.{name}": tensor for name, tensor in self.tuned().items()}
        for name, weight in self.weights.items():
            for key, value in self.optimiser.state[weight].items():
                tensors[f"optimiser.{key}.{name}"] = torch.as_tensor(value)
        tensors["random"] = self.random.get_state()
        if self.held_out:
            tensors["held_out"] = torch.tensor(self.held_out, dtype=torch.float64)
        return tensors

    def restore(self, step: int, tensors: dict[str, Tensor]) -> None:
        """Goes back to a checkpoint that :meth:`to_tensors` made at ``step``."""
        self.step = step
        counts_beside = self.optimiser.defaults["fused"]  # a fused optimiser counts its steps where the weights are
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(tensors[f"weights.{name}"])
                self.optimiser.state[weight] = {
                    key: tensors[f"optimiser.{key}.{name}"]
                    .clone()
                    .to("cpu" if key == "step" and not counts_beside else weight.device)
                    for key in ("step", "exp_avg", "exp_avg_sq")
                    if f"optimiser.{key}.{name}" in tensors
                }
        self.random.set_state(tensors["random"])
        self.held_out = tensors["held_out"].tolist() if "held_out" in tensors else []


def draw_noise(state: Tuning, latents: Tensor, timesteps: int) -> Sampler:
    """A sampler of noise (1, F, c, h, w) and a timestep from the run's own generator."""

    def draw(step: int) -> tuple[Tensor, int]:
        noise = torch.randn(latents.shape, generator=state.random)
        timestep = torch.randint(timesteps, (1,), generator=state.random)
        return noise.to(latents.device, non_blocking=True), int(timestep)

    return draw


def _use(model: TextToSetModel, weights: dict[str, nn.Parameter]) -> Iterator[tuple[nn.Parameter, nn.Parameter]]:
    parameters = dict(model.unet.named_parameters())
    return ((parameters[name], weight) for name, weight in weights.items())


def tune(
    task: TuningTask,
    state: Tuning,
    on_step: Callable[[Tuning, float], None] = no_progress,
    sampler: Sampler | None = None,
) -> Tuning:
    """Trains the query projections and the temporal attention to denoise the clip.

    In a share ``settings.mixed`` of the steps, spread evenly, the frames are clips of one frame each:
    none sees another, and attention over time is masked down to the frame itself, as in the mixed
    objective of Dreamix (Molad et al., 2302.01329).

    Args:
        state: :meth:`Tuning.start`, or one restored from a checkpoint; it is advanced in place.
        on_step: called after each step with the state and the loss.
        sampler: noise and timestep for a step; by default the run's own generator.

    Of a clip that is longer than one of the model's windows, each step takes the first frame and some that follow one
    another, so that neither memory nor the time of a step grows with the clip.

    Returns:
        ``state``, at the last of ``settings.steps``. The model holds the tuned weights.
    """
    model, scheduler, latents, settings = task.model, task.scheduler, task.latents, task.settings
    most = model.window_frames
    sampler = sampler or draw_noise(state, latents[:, :most], scheduler.config.num_train_timesteps)
    pairs = list(_use(model, state.weights))
    held_out = _HeldOut(task) if settings.steps == "auto" else None
    with _training(pairs), model.recomputing(settings.gradient_checkpointing), recorded(model) as passes:
        _copy(pairs)
        if held_out and not state.held_out:
            state.held_out.append(held_out.loss())
        while state.step < settings.most and not state.settled:
            frames = _drawn_window(latents.shape[1], most, state.random)
            noise, timestep = sampler(state.step)
            at = torch.full((1,), timestep, device=latents.device)
            noisy, target = _noised(task, _of(latents, frames), noise, at)
            alike = len(frames) == latents.shape[1]
            if _on_single_frames(settings.mixed, state.step):
                noisy, target = noisy.transpose(0, 1), target.transpose(0, 1)  # F clips of one frame
                alike = False
            seen = passes if alike else model.of_frames(frames)
            loss = mse_loss(seen(noisy, at, task.cond.expand(len(noisy), -1, -1)), target)
            gradients = list(torch.autograd.grad(loss, [used for used, _ in pairs]))
            loss = loss.detach()  # no pass may be alive while one is recorded
            for _, weight in reversed(pairs):  # each goes as soon as it is there in float32
                gradient = gradients.pop()
                weight.grad = gradient.float() if model.ranks is None else model.ranks.summed(gradient)
            nn.utils.clip_grad_norm_(state.weights.values(), settings.gradient_clip)
            state.optimiser.step()
            state.optimiser.zero_grad()
            _copy(pairs)
            state.step += 1
            if held_out and state.step % _EVERY == 0:
                state.held_out.append(held_out.loss())
            on_step(state, loss.item())
    return state


@contextmanager
def _training(pairs: list[tuple[nn.Parameter, nn.Parameter]]) -> Iterator[None]:
    """The model's parameters ask for gradients for a while."""
    for used, _ in pairs:
        used.requires_grad_(True)
    try:
        yield
    finally:
        for used, weight in pairs:
            used.requires_grad_(False)
            weight.grad = None


class _HeldOut:
    """The loss on some noise that is never trained on."""

    def __init__(self, task: TuningTask) -> None:
        timesteps, most = int(task.scheduler.config.num_train_timesteps), task.model.window_frames
        random, last = generator(task.settings.seed + 1), task.latents.shape[1] - 1
        self._task = task
        self._parts = []
        for part in range(_PARTS):  # of a long clip each takes other frames, spread over it
            frames = _window(last + 1, most, round(part * last / (_PARTS - 1)))
            seen = _of(task.latents, frames)
            noise = torch.randn(seen.shape, generator=random).to(seen.device)
            model = task.model.of_frames(frames)
            self._parts.append((model, seen, noise, (2 * part + 1) * timesteps // (2 * _PARTS)))

    @torch.no_grad()
    def loss(self) -> float:
        losses = []
        for model, seen, noise, timestep in self._parts:
            at = torch.full((1,), timestep, device=seen.device)
            noisy, target = _noised(self._task, seen, noise, at)
            losses.append(mse_loss(model(noisy, at, self._task.cond), target))
        return float(torch.stack(losses).mean())


def _noised(task: TuningTask, latents: Tensor, noise: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Latents under the noise of a timestep (1,), and what the model is to predict of them."""
    noisy = task.scheduler.add_noise(latents, noise, at)
    return noisy, training_target(task.scheduler, latents, noise, at)


def _window(count: int, most: int, around: int) -> list[int]:
    """At most so many of ``count`` frames: the first one, and those ``around`` another one."""
    start = min(max(1, around - (most - 1) // 2), max(1, count - most + 1))
    return [0, *range(start, min(count, start + most - 1))]


def _drawn_window(count: int, most: int, random: torch.Generator) -> list[int]:
    """All frames, or of a long clip those around a frame that is drawn."""
    return _window(count, most, int(torch.randint(count, (1,), generator=random)) if count > most else 0)


def _of(latents: Tensor, frames: list[int]) -> Tensor:
    return latents if len(frames) == latents.shape[1] else latents[:, frames]


def _on_single_frames(share: float, step: int) -> bool:
    return int((step + 1) * share) > int(step * share)


@torch.no_grad()
def _copy(pairs: list[tuple[nn.Parameter, nn.Parameter]]) -> None:
    """The trained float32 weights into the model's own dtype; nothing is copied where both are the same."""
    torch._foreach_copy_([used for used, _ in pairs], [weight for _, weight in pairs])
