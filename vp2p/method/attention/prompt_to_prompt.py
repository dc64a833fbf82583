"""The control of Prompt-to-Prompt, and the local blend beside it (Prompt-to-Prompt, section 3; Algorithm 1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Mapping, Sequence

import torch
from torch import Tensor

from vp2p.method.attention.control import EditControl, TargetControl
from vp2p.method.attention.local_blend import attention, outline
from vp2p.method.attention.protocol import Layout
from vp2p.method.attention.regions import Modulation, Region, strength_at
from vp2p.method.attention.resolutions import AttentionResolutions
from vp2p.method.attention.self_blend import SelfBlend
from vp2p.method.attention.store import AttentionStore
from vp2p.method.attention.token_flow import TokenFlow
from vp2p.method.branches import Target
from vp2p.settings import ControlSettings

if TYPE_CHECKING:
    from vp2p.t2s.attention import Controller


class PromptToPrompt:
    """Swap, refinement, re-weighting and self-attention replacement; see :class:`vp2p.method.attention.protocol`."""

    def __init__(self, layout: Layout, targets: Sequence[Target]) -> None:
        self._layout, self._targets = layout, targets
        self._resolutions = AttentionResolutions.of(layout.layers, *layout.shape[1:])
        self._stores = [
            AttentionStore(*t.plan.blend)
            if (t.mask is None or t.watched) and t.plan.blend and any(t.plan.blend)
            else None
            for t in targets
        ]
        every = any(t.settings.blend.levels == "all" for t in targets)
        self._map_tokens = self._resolutions.map_tokens(every)
        self._regions = [self._region(target, target.mask) for target in targets]

    def at(self, step: int) -> Controller | None:
        """See :class:`vp2p.method.attention.protocol.AttentionControl`."""
        controls = [
            TargetControl(
                self._layout.of_target(k, step)[-1],
                target.plan.at(step),
                _replaced(target.settings.control, step, self._layout.steps),
                self._stores[k],
                self._modulation(target, self._regions[k], step),
            )
            for k, target in enumerate(self._targets)
        ]
        flowing = [k for k, target in enumerate(self._targets) if target.settings.control.token_flow]
        if not flowing and not any(control.acts for control in controls):
            return None
        branches = self._layout.branches(step)
        controller: Controller = EditControl(branches, 0, controls, self._resolutions.blend_tokens, self._map_tokens)
        blended = self._self_blended(controls)
        if blended:
            controller = SelfBlend(controller, branches, blended)
        if flowing:
            flown = [branch for k in flowing for branch in self._layout.of_target(k, step)]
            controller = TokenFlow(controller, branches, flown)
        return controller

    def _self_blended(self, controls: Sequence[TargetControl]) -> dict[int, Region]:
        """The regions, by branch, of targets whose frame attention is replaced outside them alone."""
        parts = zip(self._targets, controls, self._regions)
        return {
            control.branch: region
            for target, control, region in parts
            if region is not None and target.settings.control.self_blend and "frame" in control.replace
        }

    def _region(self, target: Target, mask: Tensor | None) -> Region | None:
        read = target.settings.control.modulate > 0 or target.settings.control.self_blend
        return Region(mask, self._resolutions.sizes) if read and mask is not None else None

    def _modulation(self, target: Target, region: Region | None, step: int) -> Modulation | None:
        strength = strength_at(target.settings.control.modulate, step, self._layout.steps)
        if not strength or region is None or not target.plan.blend or not target.plan.blend[1]:
            return None
        return Modulation(target.plan.blend[1], region, strength)

    def masks(self, step: int) -> tuple[Tensor | None, ...]:
        """See :class:`vp2p.method.attention.protocol.AttentionControl`; None before blending starts."""
        masks = tuple(self._mask(target, store, step) for target, store in zip(self._targets, self._stores))
        self._regions = self._outlined(masks)
        return masks

    def _outlined(self, masks: Sequence[Tensor | None]) -> list[Region | None]:
        outlines = zip(self._targets, masks)
        return [self._region(t, t.mask if t.mask is not None else mask) for t, mask in outlines]

    def state(self) -> Mapping[str, Tensor]:
        """See :class:`vp2p.method.attention.protocol.AttentionControl`: each target's sums of maps, by tokens."""
        stores = ((k, store) for k, store in enumerate(self._stores) if store is not None)
        return {f"{k}.{tokens}": sums for k, store in stores for tokens, sums in store.sums.items()}

    def restore(self, masks: Sequence[Tensor | None], state: Mapping[str, Tensor]) -> None:
        """See :class:`vp2p.method.attention.protocol.AttentionControl`."""
        self._regions = self._outlined(masks)
        for name, sums in state.items():
            k, tokens = map(int, name.split("."))
            store = self._stores[k]
            if store is not None:
                store.sums[tokens] = sums

    def attention(self) -> tuple[Tensor | None, ...]:
        """See :class:`vp2p.method.attention.protocol.AttentionControl`."""
        return tuple(
            attention(self._sums(target, store), self._layout.shape[1:]) if store and store.sums else None
            for target, store in zip(self._targets, self._stores)
        )

    def _sums(self, target: Target, store: AttentionStore) -> dict[tuple[int, int], Tensor]:
        sizes = self._resolutions.map_sizes(target.settings.blend.levels == "all")
        return {size: store.sums[math.prod(size)] for size in sizes}

    def _mask(self, target: Target, store: AttentionStore | None, step: int) -> Tensor | None:
        settings = target.settings.blend
        if step < int(settings.start * self._layout.steps):
            return None
        if target.mask is not None:
            return target.mask
        if store is not None:
            joint = settings.peak == "clip"
            return outline(self._sums(target, store), self._layout.shape[1:], settings.threshold, joint, settings.soft)
        if target.plan.blend is not None:  # nothing changed, so nothing may move
            return torch.zeros(self._layout.shape, dtype=torch.bool, device=target.cond.device)
        return None


def _replaced(settings: ControlSettings, step: int, steps: int) -> frozenset[str]:
    """The roles of self-attention that are the source's at a step."""
    if step >= int(settings.self_window * steps):
        return frozenset()
    return frozenset({"temporal", "frame"} if settings.self_target == "both" else {settings.self_target})
