"""What the parts of one edit share: the model, the branches, and how they ask for passes of the model."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Callable, Hashable, NamedTuple, Sequence

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from vp2p.method.attention.prompt_to_prompt import PromptToPrompt
from vp2p.method.attention.protocol import AttentionControlFactory
from vp2p.method.branches import Branches, Target
from vp2p.pipeline.inflated import InflatedModel
from vp2p.pipeline.inversion import Inversion
from vp2p.pipeline.reference import Reference, find_reference
from vp2p.prompts.lending import led_away, weakened_text
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings
from vp2p.t2s.inflation import TextToSetModel
from vp2p.t2s.picture import ImageAttention, with_picture, without_picture
from vp2p.video.pictures import read_picture


def source_key(settings: EditSettings) -> tuple[str, float, float]:
    """What edits of one inversion have in common whose passes may share the source."""
    return settings.control.guide, settings.control.strength, settings.control.merge_tokens


@dataclass(frozen=True)
class EditJob:
    """One edit of an inversion.

    ``user_mask`` (F, H, W) in pixels is 1 where the edit may act; None leaves that to attention.
    ``unconditional`` holds the targets' unconditional embeddings, as in :class:`vp2p.method.branches.Target`.
    ``t2s`` is the model for passes of the frames of ``branches``. ``show`` has a text show the edit's picture, if it
    has one; those of ``branches`` show none. Jobs of one inversion with the same ``source_key`` have the same
    branches.
    """

    model: InflatedModel
    t2s: TextToSetModel
    inversion: Inversion
    branches: Branches
    unconditional: Tensor
    guidance: float
    user_mask: Tensor | None
    source_key: Hashable
    control: AttentionControlFactory = PromptToPrompt
    show: Callable[[Tensor], Tensor] = lambda text: text

    @classmethod
    def of(
        cls, model: InflatedModel, inversion: Inversion, settings: EditSettings, user_mask: Tensor | None
    ) -> EditJob:
        """The job of an edit with these settings."""
        branches, unconditional = inversion.branches(model, settings)
        guidance = settings.control.guidance
        guidance = inversion.settings.guidance if guidance is None else guidance
        t2s = model.held_to(inversion.clip)
        job = cls(model, t2s, inversion, branches, unconditional, guidance, user_mask, source_key(settings))
        reference = find_reference(settings.words.reference, model.latent.folder)
        return job if reference is None else job._showing(reference)

    def _showing(self, reference: Reference) -> EditJob:
        """The same whose targets show a picture: guided ones its tokens, and the others those of none."""
        adapter, branches = self.model.ip_adapter, self.branches
        shown, none = adapter.tokens(read_picture(reference.path))
        empty, cond = (without_picture(text, len(none)) for text in (branches.empty, branches.cond))
        return dataclasses.replace(
            self,
            t2s=self.t2s.showing(ImageAttention(adapter.layers, len(none))),
            branches=dataclasses.replace(branches, cond=cond, empty=empty),
            unconditional=with_picture(self.unconditional, none, reference.scale),
            source_key=(self.source_key, "with a picture"),
            show=lambda text: with_picture(text, shown, reference.scale),
        )

    @property
    def latent_mask(self) -> Tensor | None:
        """The user's mask at the latents' size, (F, h, w): 1 for each cell that is white for the most part."""
        if self.user_mask is None:
            return None
        height, width = self.branches.x.shape[-2:]
        cells = adaptive_avg_pool2d(self.user_mask[:, None], (height, width))[:, 0]
        return (cells >= 0.5).float().to(self.model.device)

    def plan(self, settings: EditSettings) -> EditPlan:
        """What settings do to the words of the inversion's prompt. Raises PromptError."""
        return self.model.plan(self.inversion.prompt, settings, self.branches.schedule.steps)

    def target(self, plan: EditPlan, settings: EditSettings) -> Target:
        """The target of a plan, with the user's mask."""
        embed = functools.cache(self.model.embed)  # a prompt is read more than once
        unconditional, weakens = self.unconditional, settings.words.reweight_text
        text = weakened_text(embed, plan) if weakens else embed(plan.target.prompt)
        if weakens and not settings.control.negative_prompt:
            unconditional = led_away(embed, plan, unconditional)
        return Target(plan, settings, self.guidance, self.show(text), unconditional, self.latent_mask)

    def of_frames(self, frames: list[int]) -> EditJob:
        """The same with the branches and the unconditional embeddings of some frames alone."""
        unconditional = self.unconditional[:, frames] if self.unconditional.ndim == 4 else self.unconditional
        branches, source_key = self.branches.of_frames(frames), (self.source_key, *frames)
        t2s = self.t2s.of_frames(frames)
        return dataclasses.replace(self, t2s=t2s, branches=branches, unconditional=unconditional, source_key=source_key)


class Request(NamedTuple):
    """What a part of an edit wants: targets after the last step; ``what`` names that in the progress."""

    job: EditJob
    targets: Sequence[Target]
    what: str
