"""No control of attention: each target is denoised by its own prompt, inside its mask if it has one."""

from __future__ import annotations

from typing import Mapping, Sequence

from torch import Tensor

from vp2p.method.attention.protocol import Layout
from vp2p.method.branches import Target


class Plain:
    """Plain attention; see :class:`vp2p.method.attention.protocol.AttentionControl`."""

    def __init__(self, layout: Layout, targets: Sequence[Target]) -> None:
        self._starts = [int(target.settings.blend.start * layout.steps) for target in targets]
        self._targets = targets

    def at(self, step: int) -> None:
        """None: the model's own attention."""

    def masks(self, step: int) -> tuple[Tensor | None, ...]:
        """The masks that the targets were given, from the start of blending on."""
        return tuple(target.mask if step >= start else None for target, start in zip(self._targets, self._starts))

    def attention(self) -> tuple[None, ...]:
        """None: no map is read."""
        return (None,) * len(self._targets)

    def state(self) -> Mapping[str, Tensor]:
        """Nothing: no map is read."""
        return {}

    def restore(self, masks: Sequence[Tensor | None], state: Mapping[str, Tensor]) -> None:
        """There is nothing to go back to."""
