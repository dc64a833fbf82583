"""Paths in settings, in a form that means the same from any current folder."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from vp2p.models.scaled import REFERENCE, parted
from vp2p.models.sources import located
from vp2p.settings import ClipSettings, EditSettings, ModelSettings


def placed(settings: Any) -> Any:
    """Settings of any section, as they were typed, with the paths in them absolute.

    Raises:
        ModelError: a path that the system does not take.
    """
    if isinstance(settings, ModelSettings):
        return located(settings)
    if isinstance(settings, ClipSettings):
        return placed_controls(settings, Path.cwd())
    return _placed_edit(settings) if isinstance(settings, EditSettings) else settings


def placed_controls(clip: ClipSettings, folder: Path) -> ClipSettings:
    """The settings with the paths of their control videos, which are from ``folder``, made absolute."""
    parts = (text.partition("=")[::2] for text in clip.control_video)
    absolute = (f"{kind}={os.path.abspath(folder / Path(path).expanduser())}" for kind, path in parts)
    return dataclasses.replace(clip, control_video=tuple(absolute))


def _placed_edit(settings: EditSettings) -> EditSettings:
    blend, reference = settings.blend, settings.words.reference
    name, scale = parted(reference, REFERENCE) if reference else (reference, "")
    found = dataclasses.replace(
        blend.found, segmenter=_if_there(blend.found.segmenter), detector=_if_there(blend.found.detector)
    )
    shown = name and f"{_if_there(name)}{scale}"
    return dataclasses.replace(
        settings,
        words=dataclasses.replace(settings.words, reference=shown),
        blend=dataclasses.replace(blend, found=found, mask=_if_there(blend.mask)),
    )


def _if_there(text: str | None) -> str | None:
    """The absolute path of what is there; else the text, which may be the name of a mask, or a hub id."""
    return text and (os.path.abspath(path) if os.path.exists(path := os.path.expanduser(text)) else text)
