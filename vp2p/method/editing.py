"""Decoupled-guidance editing (Video-P2P, Algorithm 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.control import EditControl, TargetControl
from vp2p.method.attention.local_blend import WordMaps, blend, outline
from vp2p.method.attention.resolutions import Levels
from vp2p.method.schedule import Schedule, guide, no_progress
from vp2p.prompts.plan import EditPlan
from vp2p.settings import EditSettings
from vp2p.t2s import TextToSetModel


@dataclass(frozen=True)
class SourceBranch:
    """How the source walks from noise back to the clip.

    Exactly one of: ``recorded`` (T+1, F, c, h, w) by trajectory index, the latents it is known to
    pass (null-text, direct, noise); ``guidance`` with the empty prompt; or neither, unguided (ddim).
    """

    recorded: Tensor | None = None
    guidance: float | None = None


@dataclass(frozen=True)
class Target:
    """One edit of the clip.

    ``cond`` is (1, L, width). ``uncond`` is (T, L, width), (T, F, L, width) with one for each
    frame, or (1, L, width) where one serves every step. ``mask`` (F, h, w) takes the place of the
    mask that attention would outline. ``start`` (F, c, h, w) takes the place of the latents that the
    source starts from.
    """

    plan: EditPlan
    settings: EditSettings
    guidance: float
    cond: Tensor
    uncond: Tensor
    mask: Tensor | None = None
    start: Tensor | None = None


@dataclass(frozen=True)
class Edited:
    """Latents after step ``step``: ``source`` (F, c, h, w), ``targets`` (K, F, c, h, w).

    ``masks`` holds each target's (F, h, w), or None where nothing was blended.
    """

    step: int
    source: Tensor
    targets: Tensor
    masks: tuple[Tensor | None, ...]


def _texts(parts: Sequence[Tensor], frames: int) -> Tensor:
    """(B, L, width), or (B, F, L, width) as soon as one part has a text for each frame."""
    if all(part.ndim == 3 for part in parts):
        return torch.cat(list(parts))
    return torch.cat([part if part.ndim == 4 else part[:, None].expand(-1, frames, -1, -1) for part in parts])


def _replaced(settings: EditSettings, step: int, steps: int) -> frozenset[str]:
    control = settings.control
    if step >= int(control.self_replace * steps):
        return frozenset()
    return frozenset({"temporal", "frame"} if control.self_target == "both" else {control.self_target})


@torch.no_grad()
def edit(
    model: TextToSetModel,
    schedule: Schedule,
    x_T: Tensor,
    cond: Tensor,
    empty: Tensor,
    source: SourceBranch,
    targets: Sequence[Target],
    on_step: Callable[[Edited], None] = no_progress,
    start: int | None = None,
) -> Edited:
    """Denoises the source and K targets together; the source is computed once for all of them.

    Unconditional passes are not controlled. A source with recorded latents, or without guidance,
    has none, so the batch holds 1 + 2K branches.

    Args:
        x_T: (F, c, h, w), where branches start unless a target says otherwise: latents at index ``start``.
        cond, empty: (1, L, width), embeddings of the source prompt and of the empty prompt.
        on_step: called after each step.
        start: 1…T; by default T, all the way from noise.

    Returns:
        The state after the last step.
    """
    frames, _, height, width = x_T.shape
    levels = Levels.of(model.layers, height, width)
    count = len(targets)
    guided_source = source.recorded is None and source.guidance is not None
    word_maps = [WordMaps(*t.plan.blend) if t.plan.blend and any(t.plan.blend) else None for t in targets]
    at_source, at_targets = x_T[None], torch.stack([x_T if t.start is None else t.start for t in targets])
    every_level = any(t.settings.blend.levels == "all" for t in targets)
    state = Edited(0, x_T, at_targets, (None,) * count)
    for index in range(start or schedule.steps, 0, -1):
        step = schedule.steps - index
        if source.recorded is not None:
            at_source = source.recorded[index : index + 1]
        unconds = [t.uncond[min(step, len(t.uncond) - 1)][None] for t in targets]
        parts = [cond, *unconds, *(t.cond for t in targets)] + ([empty] if guided_source else [])
        batch = [at_source, at_targets, at_targets] + ([at_source] if guided_source else [])
        controls = [
            TargetControl(1 + count + k, t.plan.at(step), _replaced(t.settings, step, schedule.steps), word_maps[k])
            for k, t in enumerate(targets)
        ]
        control = EditControl(len(parts), 0, controls, levels.blend_tokens, levels.map_tokens(every_level))
        out = model(torch.cat(batch), schedule.timestep(index), _texts(parts, frames), control)

        if source.recorded is not None:
            at_source = source.recorded[index - 1 : index]
        else:
            prediction = guide(out[-1:], out[:1], source.guidance) if guided_source else out[:1]
            at_source = schedule.denoise(prediction, at_source, index)
        guidance = torch.tensor([t.guidance for t in targets], device=out.device).view(-1, 1, 1, 1, 1)
        prediction = guide(out[1 : 1 + count], out[1 + count : 1 + 2 * count], guidance)
        masks = tuple(
            _mask(t, maps, levels, (frames, height, width), step, schedule.steps) for t, maps in zip(targets, word_maps)
        )
        at_targets = schedule.denoise(prediction, at_targets, index)
        at_targets = torch.stack(
            [x if mask is None else blend(at_source[0], x, mask) for x, mask in zip(at_targets, masks)]
        )
        state = Edited(step + 1, at_source[0], at_targets, masks)
        on_step(state)
    return state


def _mask(
    target: Target, maps: WordMaps | None, levels: Levels, shape: tuple[int, int, int], step: int, steps: int
) -> Tensor | None:
    """The target's mask (F, h, w) at a step; None before blending starts, and where the edit acts everywhere."""
    if step < int(target.settings.blend.start * steps):
        return None
    if target.mask is not None:
        return target.mask
    if maps is not None:
        settings, sizes = target.settings.blend, levels.map_sizes(target.settings.blend.levels == "all")
        sums = {size: maps.sums[math.prod(size)] for size in sizes}
        joint = settings.peak == "clip"
        return outline(sums, shape[1:], settings.threshold, joint, settings.soft)
    if target.plan.blend is not None:  # nothing changed, so nothing may move
        return torch.zeros(shape, dtype=torch.bool, device=target.cond.device)
    return None
