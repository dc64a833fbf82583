"""The control videos of a workspace: whether they are those that its model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vp2p.settings import ClipSettings

if TYPE_CHECKING:
    from vp2p.models.folder import ModelFolder


def check_controls(folder: ModelFolder, clip: ClipSettings) -> None:
    """Raises UsageError if a ControlNet of the model needs a control video that is not named."""
    if not folder.controlnets:
        return
    from vp2p.video.structure import check_kinds

    check_kinds([net.kind for net in folder.controlnets], _kinds(clip))


def unused_controls(folder: ModelFolder, clip: ClipSettings) -> tuple[str, ...]:
    """A note for each control video that no ControlNet of the model takes."""
    taken = {net.kind for net in folder.controlnets}
    idle = [kind for kind in _kinds(clip) if kind not in taken]
    return tuple(f"the control video of {kind} is not used: give --control {kind}=PATH" for kind in idle)


def _kinds(clip: ClipSettings) -> list[str]:
    return [text.partition("=")[0] for text in clip.control_video]
