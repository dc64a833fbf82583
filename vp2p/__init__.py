"""Video-P2P: change what is in a video by changing words, and keep everything else."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vp2p.garbage import uncollected
from vp2p.version import __version__

if TYPE_CHECKING:
    from vp2p import errors, settings
    from vp2p.pipeline.clips import read_clip
    from vp2p.pipeline.edit import Edit
    from vp2p.pipeline.inversion import Inversion
    from vp2p.pipeline.mask import Mask
    from vp2p.pipeline.model import Tuned, VideoModel, load
    from vp2p.stages.handle import OpenWorkspace, open_workspace
    from vp2p.video.clip import Clip

__all__ = [
    "__version__",
    "Clip",
    "Edit",
    "Inversion",
    "Mask",
    "OpenWorkspace",
    "Tuned",
    "VideoModel",
    "errors",
    "load",
    "open_workspace",
    "read_clip",
    "settings",
]

# Names are imported when they are first used: torch takes seconds, and the command line's help does not need it.
_HOMES = {
    "Clip": "vp2p.video.clip",
    "Edit": "vp2p.pipeline.edit",
    "Inversion": "vp2p.pipeline.inversion",
    "Mask": "vp2p.pipeline.mask",
    "OpenWorkspace": "vp2p.stages.handle",
    "Tuned": "vp2p.pipeline.model",
    "VideoModel": "vp2p.pipeline.model",
    "load": "vp2p.pipeline.model",
    "open_workspace": "vp2p.stages.handle",
    "read_clip": "vp2p.pipeline.clips",
}


def __getattr__(name: str) -> Any:
    if name in ("errors", "settings"):
        return import_module(f"vp2p.{name}")
    if name in _HOMES:
        with uncollected():
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'vp2p' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
