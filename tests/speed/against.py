"""The package's steps beside the straightforward ones, on the same weights and work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Iterator

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from tests.speed.measuring import Work
from tests.speed.stages import Stages
from tests.speed.straightforward import Injection, edit_step, explicit, null_text_gradient, tuning_gradients
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.settings import EditSettings

# All windows open: every step is a controlled one.
_OPEN: dict[str, Any] = {"cross_replace": 1.0, "self_replace": 1.0, "self_target": "both"}
_STEPS = 5
_UPDATES = (1, 3)  # of the null embedding; what the more cost is their difference


@dataclass(frozen=True)
class Pair:
    """A step by the package, which takes ``per`` of them and ``before`` besides, and by the straightforward form.

    Each makes its work, which holds all that goes on from step to step, such as an optimiser.
    """

    name: str
    ours: Callable[[], Work]
    straightforward: Callable[[], Work]
    per: int = 1
    before: Callable[[], Work] | None = None


def pairs(stages: Stages) -> Iterator[Pair]:
    """The steps that the released code can be compared in."""
    straight = _Straight(stages)
    yield Pair("tuning step, checkpointed", lambda: stages.tuning(1, gradient_checkpointing=True), straight.tuning)
    few, many = (partial(stages.null_text, updates) for updates in _UPDATES)
    yield Pair("null-text inner iteration", many, lambda: straight.null_text, _UPDATES[1] - _UPDATES[0], few)
    edits = {
        "edit step, with a blend mask": partial(stages.editing, 1, 2, **_OPEN),
        "edit step, without one": partial(stages.editing, 1, 2, no_blend=True, **_OPEN),
    }
    for name, make in edits.items():
        yield Pair(name, make, lambda: straight.editing, 2)
    # With the usual windows the source's branch ends with them.
    make = partial(stages.editing, 1, _STEPS, no_blend=True)
    yield Pair("the same, mean of a whole edit", make, lambda: straight.editing, _STEPS)


class _Straight:
    """One step of each stage, by the straightforward form."""

    def __init__(self, stages: Stages) -> None:
        self._stages, self._model = stages, stages.model.t2s
        self._schedule = stages.model.schedule(2)
        self._texts = stages.model.embed("", stages.prompt, stages.prompt.replace("cat", "dog"))
        self._clip = stages.model.encode(stages.clip.pixels)[None]
        self._noise = torch.randn_like(self._clip)

    def tuning(self) -> Work:
        """Clip and prompt are encoded again, as at every step; all weights are handed to the optimiser."""
        optimiser = torch.optim.AdamW(self._model.unet.parameters(), lr=0.0, foreach=False)
        return lambda: self._tuning_step(optimiser)

    def _tuning_step(self, optimiser: torch.optim.Optimizer) -> None:
        model, stages = self._model, self._stages
        latents, cond = stages.model.encode(stages.clip.pixels)[None], stages.model.embed(stages.prompt)
        model.unet.enable_gradient_checkpointing(_with_random_state)
        trained = list(model.tuned_parameters().values())
        for weight in trained:
            weight.requires_grad_(True)
        try:
            with explicit(model):
                found = tuning_gradients(model, latents + self._noise, 500, cond, self._noise)
            for name, weight in model.unet.named_parameters():
                weight.grad = found.get(name)
            nn.utils.clip_grad_norm_(model.unet.parameters(), 1.0)
            optimiser.step()
        finally:
            for weight in trained:
                weight.requires_grad_(False)
                weight.grad = None
            model.unet.disable_gradient_checkpointing()

    def null_text(self) -> None:
        with explicit(self._model):
            null_text_gradient(
                self._model, self._schedule, 2, self._noise, self._texts[:1], self._noise, self._clip, 7.5
            )

    def editing(self) -> None:
        with explicit(self._model):
            edit_step(
                self._model, self._schedule, 2, self._noise.repeat(2, 1, 1, 1, 1), self._texts, self._injection, 7.5
            )

    @property
    def _injection(self) -> Injection:
        plan = self._stages.model.plan(self._stages.prompt, EditSettings.of(swap=("cat=dog",), **_OPEN), 2)
        tokens = AttentionResolutions.of(self._model.layers, *self._clip.shape[-2:]).blend_tokens
        return Injection(plan.at(0), frozenset({"frame", "temporal"}), tokens)


def _with_random_state(function: Callable[..., object], *given: object) -> object:
    return checkpoint(function, *given, use_reentrant=False)
