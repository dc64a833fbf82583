"""An edit of several things, each edited by itself where they lie apart: an object, another one, the ground."""

from __future__ import annotations

from contextlib import suppress
from typing import Collection, NamedTuple

from torch import Tensor

from vp2p.errors import PromptError
from vp2p.method.editing import Edited, Target
from vp2p.method.editing import edit as edit_latents
from vp2p.method.phrases import changing_only, divides, phrases
from vp2p.method.plan import EditPlan, plan_edit
from vp2p.method.regions import layers
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
    if divides(plan, settings):
        with suppress(PromptError):  # a prompt with phrases of both may be too long for the model
            return _layers(session, settings, branches, plan, progress)
    return [_layer(session, settings, branches, plan, given, progress, "edit")]


def _layers(
    session: Session, settings: EditSettings, branches: Branches, plan: EditPlan, progress: Progress
) -> list[Layer]:
    parts = phrases(plan)
    changed = [place for place, part in enumerate(parts) if part.changed]

    def changing(places: Collection[int]) -> Layer:
        if len(places) == len(changed):
            return _layer(session, settings, branches, plan, None, progress, "edit")
        only, tokenizer = changing_only(plan, settings, parts, places), session.tokenizer
        words = plan_edit(tokenizer, plan.source.prompt, only, branches.schedule.steps, tokenizer.model_max_length)
        return _layer(session, only, branches, words, None, progress, " ".join(["edit", *words.changed_words]))

    alone = [changing([place]) for place in changed]
    masks = [layer.edited.masks[0] for layer in alone]
    groups = layers([mask for mask in masks if mask is not None])
    if any(mask is None for mask in masks) or len(groups) == 1:
        return [changing(changed)]
    return [alone[min(group)] if len(group) == 1 else changing([changed[index] for index in group]) for group in groups]


def _layer(
    session: Session,
    settings: EditSettings,
    branches: Branches,
    plan: EditPlan,
    given: Tensor | None,
    progress: Progress,
    what: str,
) -> Layer:
    target = Target(plan, settings, branches.guidance, session.embed(plan.target.prompt), branches.uncond, given)
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
