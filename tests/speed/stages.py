"""The steps of each stage, ready to be run again and again, as the package's own verbs take them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tests.speed.measuring import Work
from vp2p.method.editing import edit
from vp2p.method.inversion.ddim import ddim_invert
from vp2p.method.inversion.null_text import NullTextState, optimise_null_text
from vp2p.method.inversion.protocol import InversionTask
from vp2p.method.tuning import Tuning, tune
from vp2p.pipeline.described import Described
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.job import EditJob
from vp2p.pipeline.model import VideoModel
from vp2p.pipeline.tune import tuning_task
from vp2p.settings import EditSettings, InvertSettings, TuneSettings
from vp2p.sprites.scenes import Scene
from vp2p.video.clip import Clip

SCENE = Scene("cat", "grass", path="slide", seed=4)
_WORDS = ("dog", "rabbit", "pig", "cow")


@dataclass(frozen=True)
class Stages:
    """The stages of a model on a drawn clip of so many frames and pixels a side."""

    model: VideoModel
    frames: int
    side: int

    def encode(self) -> Work:
        """The clip to latents."""
        return lambda: self.model.encode(self.clip.pixels)

    def decode(self) -> Work:
        """Latents to the clip."""
        latents = self.model.encode(self.clip.pixels)
        return lambda: self.model.decode(latents)

    def tuning(self, steps: int, **options: Any) -> Work:
        """So many steps of tuning."""
        settings = TuneSettings(steps=steps, **options)
        task, state = tuning_task(self.model, self._described, settings), Tuning.start(self.model.t2s, settings)

        def work() -> None:
            state.step = 0
            tune(task, state)

        return work

    def inverting(self, steps: int) -> Work:
        """So many steps of DDIM inversion."""
        model = self.model
        schedule, clip, cond = model.schedule(steps), model.encode(self.clip.pixels)[None], model.embed(SCENE.prompt)
        return lambda: ddim_invert(model.t2s, schedule, clip, cond)

    def null_text(self, updates: int) -> Work:
        """One step of null-text optimisation with so many updates of the embedding."""
        model, settings = self.model, InvertSettings(method="null-text", steps=1, inner_steps=updates, tolerance=0.0)
        cond, uncond, schedule = model.embed(SCENE.prompt), model.embed(""), model.schedule(1)
        path = ddim_invert(model.t2s, schedule, model.encode(self.clip.pixels)[None], cond)
        task = InversionTask(model.t2s, schedule, settings, self.clip.pixels, model.encode, cond, uncond)
        return lambda: optimise_null_text(task, path, NullTextState.start(path, uncond, settings))

    def editing(self, targets: int, steps: int | None = None, **options: Any) -> Work:
        """All steps of so many edits in one pass, without the compositing that follows."""
        inversion = self._inversion if steps is None else self.model.invert(self.clip, self.prompt, steps=steps)
        wanted = [EditSettings.of(swap=(f"cat={word}",), **options) for word in _WORDS[:targets]]
        jobs = [EditJob.of(self.model, inversion, settings, None) for settings in wanted]
        asked = [job.target(job.plan(settings), settings) for job, settings in zip(jobs, wanted)]
        return lambda: edit(self.model.t2s, jobs[0].branches, asked)

    def whole_edit(self) -> Work:
        """An edit by default, with its compositing, inside the object's true outline."""
        mask = np.stack(SCENE.masks(self.frames, self.side))
        return lambda: self.model.edit(self._inversion, swap={"cat": "dog"}, mask=mask)

    @property
    def steps(self) -> int:
        """The steps of an edit."""
        return self._inversion.settings.steps

    @cached_property
    def clip(self) -> Clip:
        return dataclasses.replace(Clip.of(SCENE.render(self.frames, self.side)), size="keep")

    @property
    def _described(self) -> Described:
        return Described(self.clip, self.prompt)

    @property
    def prompt(self) -> str:
        """What the clip shows."""
        return SCENE.prompt

    @cached_property
    def _inversion(self) -> Inversion:
        return self.model.invert(self.clip, SCENE.prompt)
