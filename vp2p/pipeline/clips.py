"""Reading a clip for a Python program."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from vp2p.schema import from_mapping
from vp2p.settings import ClipSettings
from vp2p.video.between import frames_between
from vp2p.video.clip import Clip
from vp2p.video.reading import read_clip as read
from vp2p.video.structure import read_controls


def read_clip(path: Path | str, **options: Any) -> Clip:
    """Reads frames of a video, a GIF, an animated WebP or a folder of pictures, at their own size.

    Args:
        options: of ``vp2p init``, such as ``frames=8``, ``start=2.0``, ``size=512``, ``size=(512, 320)`` or
            ``control_video=["depth=depth.mp4"]``; see :class:`vp2p.settings.ClipSettings`. The model that takes the
            clip brings it to its size.

    Raises:
        VideoError: there is no such file, or it is no clip that can be read.
        UsageError: an unknown option, or the clip has fewer frames than were asked for.
    """
    path, settings = Path(path), from_mapping(ClipSettings, options)
    found = read(path, settings)
    sound = path if path.is_file() else None
    control, notes = read_controls(path, settings, len(found.frames))
    clip = Clip(found.frames, found.timing, found.notes + notes, sound, settings.size, settings.fit, control)
    return dataclasses.replace(clip, between=frames_between(path, settings))
