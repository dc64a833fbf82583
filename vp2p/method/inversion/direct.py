"""Direct inversion: the source branch is the recorded trajectory itself, so it returns to the clip exactly.

After Ju et al., "Direct Inversion: Boosting Diffusion-based Editing with 3 Lines of Code" (2310.01506).
"""

from __future__ import annotations

from typing import Mapping

from torch import Tensor

from vp2p.method.branches import SourceBranch
from vp2p.method.inversion.ddim import invert_clip
from vp2p.method.inversion.protocol import InversionTask, Inverted, OnInversionStep
from vp2p.settings import InvertSettings

OPTIONS: tuple[str, ...] = ()


def invert(task: InversionTask, found: Mapping[str, Tensor], on_step: OnInversionStep) -> Inverted:
    """See :class:`vp2p.method.inversion.protocol.InversionMethod`."""
    trajectory = invert_clip(task, found, on_step)
    return Inverted(trajectory, {}, trajectory[0])


def source(inverted: Inverted, settings: InvertSettings) -> SourceBranch:
    """The latents of the trajectory."""
    return SourceBranch(recorded=inverted.trajectory)


def unconditional(inverted: Inverted) -> None:
    """None were optimised."""
