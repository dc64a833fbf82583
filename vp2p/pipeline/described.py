"""A clip and the words for it: what tuning, inversion and attention start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vp2p.video.clip import Clip


@dataclass(frozen=True)
class Described:
    """A clip and the prompt that describes it."""

    clip: Clip
    prompt: str
