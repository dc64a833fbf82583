"""How often a step asks for a tensor's value: on a GPU it then waits for all work that was given before."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from tests.method.conftest import Small, latents_task
from vp2p.method.branches import Branches, SourceBranch, Target
from vp2p.method.editing import edit
from vp2p.method.inversion.ddim import ddim_invert
from vp2p.method.inversion.null_text import NullTextState, optimise_null_text
from vp2p.method.schedule import Schedule
from vp2p.method.tuning import Tuning, TuningTask, tune
from vp2p.prompts.plan import plan_words
from vp2p.settings import EditSettings, InvertSettings, TuneSettings

_ASKS = {"_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal"}
_PROMPT = "a cat on the grass"


class _Asked(TorchDispatchMode):
    """Counts the operations whose result the program itself must see."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.times += func._overloadpacket.__name__ in _ASKS
        return func(*args, **(kwargs or {}))


def asked_by_a_step(work: Callable[[int], object]) -> float:
    """How often one more step asks."""
    counts = []
    for steps in (1, 3):
        with _Asked() as asked:
            work(steps)
        counts.append(asked.times)
    return (counts[1] - counts[0]) / 2


def test_a_tuning_step_asks_for_its_loss_alone(sd1: Small) -> None:
    def work(steps: int) -> None:
        settings = TuneSettings(steps=steps)
        task = TuningTask(sd1.model, sd1.latent.scheduler, sd1.latents, sd1.embed(_PROMPT), settings)
        tune(task, Tuning.start(sd1.model, settings))

    # The loss and the timestep; and for each tensor AdamW's own step, which lies on the CPU unless it is fused.
    assert asked_by_a_step(work) <= 2 + len(sd1.model.tuned_parameters())


def test_an_inversion_step_asks_for_nothing(sd1: Small) -> None:
    def work(steps: int) -> None:
        ddim_invert(sd1.model, schedules[steps], sd1.latents, cond)

    schedules, cond = {n: Schedule.of(sd1.latent.scheduler, n) for n in (1, 3)}, sd1.embed(_PROMPT)
    assert asked_by_a_step(work) == 0


def test_an_update_of_the_null_embedding_asks_for_its_loss_alone(sd1: Small) -> None:
    schedule, cond, empty = Schedule.of(sd1.latent.scheduler, 1), sd1.embed(_PROMPT), sd1.embed("")
    trajectory = ddim_invert(sd1.model, schedule, sd1.latents, cond)

    def work(updates: int) -> None:
        settings = InvertSettings(method="null-text", inner_steps=updates, tolerance=0.0)
        task = latents_task(sd1.model, schedule, settings, cond, empty)
        optimise_null_text(task, trajectory, NullTextState.start(trajectory, empty, settings))

    assert asked_by_a_step(work) <= 2  # the loss, and the count that Adam keeps on the CPU


@pytest.mark.parametrize(
    "options", [{}, {"blend_levels": "all", "self_target": "both"}, {"no_blend": True}, {"merge_tokens": 0.5}]
)
def test_an_edit_step_asks_the_same_whatever_the_layers(sd1: Small, options: dict[str, Any]) -> None:
    cond, empty = sd1.embed(_PROMPT), sd1.embed("")
    settings = EditSettings.of(swap=("cat=dog",), cross_replace=1.0, self_replace=1.0, **options)

    def work(steps: int) -> None:
        schedule = Schedule.of(sd1.latent.scheduler, steps)
        trajectory = sd1.latents.expand(steps + 1, -1, -1, -1, -1)
        plan = plan_words(sd1.latent.tokenizer, _PROMPT, settings, steps, cond.shape[1])
        target = Target(plan, settings, 7.5, sd1.embed(plan.target.prompt), empty)
        branches = Branches.of(schedule, trajectory[-1], SourceBranch(recorded=trajectory), cond, empty)
        edit(sd1.model, branches, [target])

    assert len(sd1.model.layers) > 20
    # Whether the target takes and keeps maps, asked of small tables on the CPU; and the schedule's own numbers.
    assert asked_by_a_step(work) <= 6
