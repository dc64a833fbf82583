"""An edit of several things, each edited by itself where they lie apart: an object, another one, the ground."""

from __future__ import annotations

from contextlib import suppress
from typing import Collection, NamedTuple

from torch import Tensor

from vp2p.compositing.groups import layers
from vp2p.errors import PromptError
from vp2p.method.editing import Edited, Target
from vp2p.method.editing import edit as edit_latents
from vp2p.prompts.phrases import changed_phrases, changing_only, divides
from vp2p.prompts.plan import EditPlan, plan_edit
from vp2p.settings import EditSettings
from vp2p.stages.branches import Branches
from vp2p.stages.result import Progress
from vp2p.stages.session import Session


class Layer(NamedTuple):
    """The edit of some of the changed words, after its last step."""

    target: Target
    edited: Edited


def edit_in_layers(
    session: Session,
    settings: EditSettings,
    branches: Branches,
    plan: EditPlan,
    given: Tensor | None,
    progress: Progress,
) -> list[Layer]:
    """The edit's layers, in the order in which they are laid over the clip; one where it is not made in layers.

    Args:
        given: (F, h, w), the mask that takes the place of the words' outlines.
    """

    def layer(words: EditPlan, settings: EditSettings, what: str = "edit") -> Layer:
        target = Target(words, settings, branches.guidance, session.embed(words.target.prompt), branches.uncond, given)
        edited = edit_latents(
            session.t2s,
            branches.schedule,
            branches.x,
            branches.cond,
            branches.empty,
            branches.source,
            [target],
            lambda state: progress(what, state.step, branches.schedule.steps),
            branches.start,
        )
        return Layer(target, edited)

    def changing(places: Collection[int]) -> tuple[EditPlan, EditSettings, str]:
        only, tokenizer = changing_only(plan, settings, places), session.tokenizer
        words = plan_edit(tokenizer, plan.source.prompt, only, branches.schedule.steps, tokenizer.model_max_length)
        return words, only, " ".join(["edit", *words.changed_words])

    if divides(plan, settings):
        changed = changed_phrases(plan)
        with suppress(PromptError):  # a prompt with phrases of both may be too long for the model
            alone = [layer(*each) for each in [changing([place]) for place in changed]]
            outlines = [one.edited.masks[0] for one in alone if one.edited.masks[0] is not None]
            groups = layers(outlines) if len(outlines) == len(alone) else []
            if len(groups) > 1:
                return [
                    alone[min(group)] if len(group) == 1 else layer(*changing([changed[index] for index in group]))
                    for group in groups
                ]
    return [layer(plan, settings)]
