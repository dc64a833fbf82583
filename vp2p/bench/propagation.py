"""How well motion carries a given edit: the true key frame is propagated, and no model is involved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np
import torch

from vp2p.bench.known_clips import SOURCE, KnownClip
from vp2p.compositing.foreground import find_foreground
from vp2p.compositing.pixels import planes, rounded
from vp2p.compositing.propagate import propagate
from vp2p.compositing.shapes import dilated
from vp2p.compositing.track import ObjectTrack, follow_object
from vp2p.metrics.psnr import psnr

_DIFFERENT = 12.0  # of 255: an edited key frame shows another thing there
_REPLACES = 0.05  # of the object's area: if so much beside it is different, the new object has another outline
_REACH = 10  # a new object is looked for within this part of the longer side around all that is different


@dataclass(frozen=True)
class Propagated:
    """PSNR inside the object, for each frame but the key frames; and the frames that were followed."""

    frames_db: Mapping[int, float]
    followed: Sequence[int]

    @property
    def record(self) -> dict[str, Any]:
        """For JSON."""
        values = list(self.frames_db.values())
        mean = round(float(np.mean(values)), 3) if values else None
        return {"inside_db": mean, "frames_db": [round(value, 3) for value in values], "followed": list(self.followed)}


def score_clip(clip: KnownClip, keys: int = 1) -> dict[str, Any]:
    """The scores of one clip by edit; ``source`` is its own key frame.

    Args:
        keys: how many true key frames are given.
    """
    track = follow_object(planes(clip.frames), torch.from_numpy(clip.mask))
    given = given_keys(track, clip.key, keys)
    edits = {SOURCE: (clip.frames, clip.mask), **clip.edits}
    return {name: _score(clip, track, edit, inside, given).record for name, (edit, inside) in edits.items()}


def given_keys(track: ObjectTrack, first: int, count: int) -> list[int]:
    """The first key frame, and those from which, one by one, most is gained."""
    reach, keys = track.motion.reach, [first]
    while len(keys) < min(count, len(reach)):
        gained = (reach - reach[keys].amax(0)).clamp(min=0).sum(1)
        gained[keys] = -1
        keys.append(int(gained.argmax()))
    return keys


def _score(clip: KnownClip, track: ObjectTrack, edit: np.ndarray, inside: np.ndarray, keys: list[int]) -> Propagated:
    pictures, source = planes(edit), planes(clip.frames)
    apart = (pictures[keys] - source[keys]).abs().amax(1) > _DIFFERENT
    mask = torch.from_numpy(clip.mask)[keys]
    replaces = bool((apart & ~dilated(mask, track.margin)).sum() > _REPLACES * mask.sum())
    region = dilated(apart | mask, max(edit.shape[1:3]) // _REACH).float()
    foregrounds = [
        find_foreground(track, key, pictures[key], where, replaces) for key, where in zip(keys, region, strict=True)
    ]
    found = rounded(propagate(track, foregrounds, source, replaces).frames)
    others = [frame for frame in range(len(found)) if frame not in keys and inside[frame].any()]
    figures = {frame: _decibel(found[frame], edit[frame], inside[frame]) for frame in others}
    hard = track.hard_frames(keys)
    return Propagated(figures, [frame for frame in range(len(found)) if frame not in hard])


def _decibel(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> float:
    value = psnr(first[None], second[None], inside[None])
    return 0.0 if value is None else min(value, 100.0)
