"""Whether a run's clip passes the model in windows: only then does a result depend on how long these are."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Mapping

from vp2p.errors import Vp2pError
from vp2p.workspace import RunFolder, Workspace
from vp2p.workspace.tensors import load_shape

if TYPE_CHECKING:
    from vp2p.stages.planned import Planned
    from vp2p.stages.session import Session

_KEY = "window_frames"


def in_windows(session: Session, source: RunFolder | None, made_from: Planned | None = None) -> dict[str, str]:
    """What enters identities and records of a run on a clip that is longer than one window; else nothing.

    Args:
        source: the run of the clip.
        made_from: a run that tells instead, where neither the frames nor their video are there any more.
    """
    count, most = _frames(session.workspace, source), session.settings.window_frames
    if count is None:
        told: Mapping[str, str] = made_from.recorded["model"] if made_from else {}
        return {key: value for key, value in told.items() if key == _KEY}
    return {_KEY: str(most)} if count > most else {}


def windows_of(planned: Planned) -> str:
    """Says in how many windows a run's clip passes; empty where it passes at once."""
    most = planned.recorded.get("model", {}).get(_KEY)
    count = _frames(planned.workspace, planned.parents.get("source")) if most else None
    if count is None:
        return ""
    from vp2p.t2s.windows import windows_told

    return windows_told(count, int(most))


def _frames(workspace: Workspace, source: RunFolder | None) -> int | None:
    """How many frames a source run holds, or would hold were it made now; None where nothing says."""
    if source is None:
        return None
    with suppress(Vp2pError):
        if source.finished:
            return load_shape(source.path("frames.safetensors"), source.rebuild, "frames")[0]
        from vp2p.video.reading import timeline
        from vp2p.video.sampling import choose

        return len(choose(timeline(workspace.video), workspace.config.clip, workspace.video.name).indices)
    return None
