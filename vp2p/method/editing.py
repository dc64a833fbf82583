"""Decoupled-guidance editing (Video-P2P, Algorithm 1)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.local_blend import blend
from vp2p.method.attention.prompt_to_prompt import PromptToPrompt
from vp2p.method.attention.protocol import AttentionControlFactory, Layout
from vp2p.method.branches import Branches, Target
from vp2p.method.schedule import guide, no_progress

if TYPE_CHECKING:
    from vp2p.t2s.inflation import TextToSetModel


@dataclass(frozen=True)
class Edited:
    """Latents after step ``step``: ``source`` (F, c, h, w), ``targets`` (K, F, c, h, w).

    ``masks`` holds each target's (F, h, w), or None where nothing was blended; ``attention``, after the last
    step, each target's of :class:`vp2p.method.attention.protocol.AttentionControl`.
    """

    step: int
    source: Tensor
    targets: Tensor
    masks: tuple[Tensor | None, ...]
    attention: tuple[Tensor | None, ...] = ()

    def of_targets(self, first: int, count: int) -> Edited:
        """The same with ``count`` of the targets, from ``first`` on."""
        chosen = slice(first, first + count)
        return Edited(self.step, self.source, self.targets[chosen], self.masks[chosen], self.attention[chosen])


@torch.no_grad()
def edit(
    model: TextToSetModel,
    branches: Branches,
    targets: Sequence[Target],
    on_step: Callable[[Edited], None] = no_progress,
    control: AttentionControlFactory = PromptToPrompt,
) -> Edited:
    """Denoises the source and K targets together; the source is computed once for all of them.

    Unconditional passes are not controlled. A source with recorded latents, or without guidance,
    has none, so the batch holds 1 + 2K branches. At steps that guide no target it holds 1 + K. A recorded
    source takes no part in the steps at which no target reads it, except where tokens are merged: its own say which.
    All targets merge the same share.

    Args:
        on_step: called after each step.
        control: makes the attention control of the targets.

    Returns:
        The state after the last step.
    """
    schedule, source = branches.schedule, branches.source
    guided_source = source.recorded is None and source.guidance is not None
    frames, _, height, width = branches.x.shape
    count = len(targets)
    steps = schedule.steps
    guided = [[t.settings.control.guided(step, steps) for t in targets] for step in range(steps)]
    unguided = frozenset(step for step in range(steps) if not any(guided[step]))
    layout = Layout(tuple(model.layers), (frames, height, width), steps, count, guided_source, unguided)
    controlled = control(layout, targets)
    (merged,) = {target.settings.control.merge_tokens for target in targets}
    model = model.merging(merged)
    at_source, at_targets = branches.x[None], torch.stack([branches.x if t.start is None else t.start for t in targets])
    state = Edited(0, branches.x, at_targets, (None,) * count)
    for index in range(branches.start, 0, -1):
        step = steps - index
        if source.recorded is not None:
            at_source = source.recorded[index : index + 1].to(branches.x.device)
        controller = controlled.at(step)
        parts, batch = [t.cond for t in targets], [at_targets]
        if step not in unguided:
            unconds = [t.uncond[min(step, len(t.uncond) - 1)][None] for t in targets]
            parts, batch = [*unconds, *parts], [at_targets, at_targets]
        unread = source.recorded is not None and controller is None and not merged
        if not unread:
            parts, batch = [branches.cond, *parts], [at_source, *batch]
        if guided_source:
            parts, batch = [*parts, branches.empty], [*batch, at_source]
        out = model(torch.cat(batch), schedule.timestep(index), _texts(parts, frames), controller)
        first = 0 if unread else 1  # of the targets' branches

        if source.recorded is not None:
            at_source = source.recorded[index - 1 : index].to(branches.x.device)
        else:
            prediction = out[:1] if source.guidance is None else guide(out[-1:], out[:1], source.guidance)
            at_source = schedule.denoise(prediction, at_source, index)
        if step in unguided:
            predicted = out[first : first + count]
        else:
            scales = [t.guidance if on else 1.0 for t, on in zip(targets, guided[step])]
            guidance = torch.tensor(scales, device=branches.x.device).view(-1, 1, 1, 1, 1)
            unconditional, conditional = out[first : first + 2 * count].split(count)
            predicted = guide(unconditional, conditional, guidance)
        at_targets = schedule.denoise(predicted, at_targets, index)
        masks = controlled.masks(step)
        at_targets = torch.stack(
            [x if mask is None else blend(at_source[0], x, mask) for x, mask in zip(at_targets, masks)]
        )
        state = Edited(step + 1, at_source[0], at_targets, masks)
        on_step(state)
    return dataclasses.replace(state, attention=controlled.attention())


def _texts(parts: Sequence[Tensor], frames: int) -> Tensor:
    """(B, L, width), or (B, F, L, width) as soon as one part has a text for each frame."""
    if all(part.ndim == 3 for part in parts):
        return torch.cat(list(parts))
    return torch.cat([part if part.ndim == 4 else part[:, None].expand(-1, frames, -1, -1) for part in parts])
