"""What an attention control is: it joins an edit's attention, and says where the edit may act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Protocol, Sequence

from torch import Tensor

from vp2p.method.branches import Target

if TYPE_CHECKING:
    from vp2p.t2s.attention import AttentionLayer, Controller


@dataclass(frozen=True)
class Layout:
    """The batch of one edit of K targets over T ``steps``.

    Its branches are, in order: the source with its prompt; the K targets with their unconditional
    embeddings, but for the steps that are ``unguided``; the K targets with their prompts; and the source with the
    empty prompt if ``guided_source``. ``shape`` holds the frames and the latents' height and width.
    """

    layers: tuple[AttentionLayer, ...]
    shape: tuple[int, int, int]
    steps: int
    targets: int
    guided_source: bool
    unguided: frozenset[int] = frozenset()

    def branches(self, step: int) -> int:
        """How many branches the batch holds at a step of 0…T-1."""
        return 1 + len(self.of_target(0, step)) * self.targets + self.guided_source

    def of_target(self, target: int, step: int) -> tuple[int, ...]:
        """The branches of target 0…K-1: with its unconditional embedding where that is there, then with its prompt."""
        return (1 + target,) if step in self.unguided else (1 + target, 1 + self.targets + target)


class AttentionControl(Protocol):
    """The control of one edit, step by step."""

    def at(self, step: int) -> Controller | None:
        """What takes the place of plain attention in the forward pass of a step of 0…T-1.

        None where attention is plain in all branches. Then no target reads the source, so a source
        whose latents are recorded is left out of the batch.
        """

    def masks(self, step: int) -> tuple[Tensor | None, ...]:
        """Where each target may differ from the source after a step: (F, h, w), bool or in 0…1; None is everywhere.

        It is asked after the forward pass of that step.
        """

    def attention(self) -> tuple[Tensor | None, ...]:
        """For each target, how much each place of source and target attends to the words that outline the edit.

        (2, F, h, w), 1 at the place of each frame that does most; None where no map was read. It is asked at the end.
        """

    def state(self) -> Mapping[str, Tensor]:
        """What it has read so far, to go on from; none of the tensors is changed later."""

    def restore(self, masks: Sequence[Tensor | None], state: Mapping[str, Tensor]) -> None:
        """Goes back to a :meth:`state`; ``masks`` are those of the last step that was done."""


class AttentionControlFactory(Protocol):
    """Makes the control of one edit."""

    def __call__(self, layout: Layout, targets: Sequence[Target]) -> AttentionControl:
        """The control of these targets in a batch of this layout."""
