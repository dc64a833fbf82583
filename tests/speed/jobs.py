"""Whole jobs by the package's own verbs, as a program has them done: tuning, inversion, an edit and a further one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping

import numpy as np

from tests.speed.measuring import Meter, Row
from tests.speed.stages import SCENE, Stages
from vp2p.pipeline.inversion import Inversion


@dataclass(frozen=True)
class Job:
    """The options of each verb; an edit takes as many steps as its inversion."""

    tuning: Mapping[str, Any] = field(default_factory=dict)
    inversion: Mapping[str, Any] = field(default_factory=dict)
    editing: Mapping[str, Any] = field(default_factory=dict)


JOBS = {
    "paper": Job({"steps": 500}, {"method": "null-text", "steps": 50}, {"propagate": False, "paste": False}),
    "default": Job(),
    "hundred": Job({"steps": 100}),  # the default, were it settled after so many steps: random weights never are
}


def job(name: str, stages: Stages, meter: Meter) -> Iterator[Row]:
    """The seconds and the peak memory of each verb of a job; nothing is run before it."""
    model, clip, options = stages.model, stages.clip, JOBS[name]
    mask = np.stack(SCENE.masks(stages.frames, stages.side))
    found: list[Inversion] = []

    def edit(word: str) -> None:
        model.edit(found[0], swap={"cat": word}, mask=mask, **options.editing)

    verbs = {
        "tuning": lambda: model.tune(clip, stages.prompt, **options.tuning),
        "inversion": lambda: found.append(model.invert(clip, stages.prompt, **options.inversion)),
        "an edit": lambda: edit("dog"),
        "a further edit": lambda: edit("rabbit"),
    }
    for verb, work in verbs.items():
        seconds, peak = meter.measured(work)
        yield Row(f"{name} job: {verb}", seconds, 0.0, peak)
