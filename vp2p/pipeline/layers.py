"""An edit of several things, each edited by itself where they lie apart: an object, another one, the background."""

from __future__ import annotations

from contextlib import suppress
from typing import Collection, NamedTuple, Sequence

from vp2p.compositing.background import surrounds
from vp2p.compositing.groups import layers
from vp2p.errors import PromptError
from vp2p.method.branches import Target
from vp2p.method.editing import Edited
from vp2p.pipeline.job import EditJob, Request
from vp2p.pipeline.together import Asking
from vp2p.prompts.phrases import changed_phrases, changing_only, divides
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings


class Layer(NamedTuple):
    """The edit of some of the changed words, after its last step.

    ``ground`` is whether it is of the ground that objects stand on, in the whole clip.
    """

    target: Target
    edited: Edited
    ground: bool = False


def edit_in_layers(job: EditJob, plan: EditPlan, settings: EditSettings) -> Asking[list[Layer]]:
    """The edit's layers, in the order in which they are laid over the clip; one where it is not made in layers."""

    def made(edits: Sequence[tuple[EditPlan, EditSettings]]) -> Asking[list[Layer]]:
        targets = [job.target(*each) for each in edits]
        edited = yield Request(job, targets, "edit")
        each = ((target, edited.of_targets(place, 1)) for place, target in enumerate(targets))
        return [Layer(target, one, _is_ground(job, one)) for target, one in each]

    def changing(places: Collection[int]) -> tuple[EditPlan, EditSettings]:
        only = changing_only(plan, settings, places)
        return job.plan(only), only

    if divides(plan, settings):
        changed = changed_phrases(plan)
        with suppress(PromptError):  # a prompt with phrases of both may be too long for the model
            alone = yield from made([changing([place]) for place in changed])
            outlines = [one.edited.masks[0] for one in alone if one.edited.masks[0] is not None]
            groups = layers(outlines) if len(outlines) == len(alone) else []
            if len(groups) > 1:
                joined = [group for group in groups if len(group) > 1]
                once_more = [changing([changed[index] for index in group]) for group in joined]
                more = (yield from made(once_more)) if joined else []
                return [alone[min(group)] if len(group) == 1 else more[joined.index(group)] for group in groups]
    return (yield from made([(plan, settings)]))


def _is_ground(job: EditJob, edited: Edited) -> bool:
    mask = edited.masks[0] if job.user_mask is None else job.user_mask
    return mask is not None and surrounds(mask.float())
