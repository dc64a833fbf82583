"""How well motion carries a given edit: the true key frame is propagated, and no model is involved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vp2p.bench.known_clips import SOURCE, KnownClip
from vp2p.bench.scores import decibel
from vp2p.compositing.between import between, edited_layers
from vp2p.compositing.foreground import Drawn, find_foreground, softened
from vp2p.compositing.pixels import planes, rounded
from vp2p.compositing.propagate import mixed, propagate
from vp2p.compositing.shapes import closing, dilated
from vp2p.compositing.track import ObjectTrack, follow_object, margin_of
from vp2p.video.sheet import contact_sheet

_DIFFERENT = 12.0  # of 255: an edited key frame shows another thing there
_REPLACES = 0.05  # of the object's area: if so much beside it is different, the new object has another outline
_REACH = 10  # a new object is looked for within this part of the longer side around all that is different
_NEAR, _BRIDGED = 32, 8  # parts of the longer side: around objects, and of what may stand in front of them
Record = dict[str, Any]


def score_clip(clip: KnownClip, keys: int = 1, sheets: Path | None = None) -> dict[str, Record]:
    """The scores of one clip by edit; ``source`` is its own key frame.

    Args:
        keys: how many true key frames are given.
        sheets: a new folder for a picture of each edit, above what was made of its key frames.

    Raises:
        VideoError: the pictures cannot be written.
    """
    track = follow_object(planes(clip.frames), torch.from_numpy(clip.mask))
    given = given_keys(track, clip.key, keys)
    edits = {SOURCE: (clip.frames, clip.mask), **clip.edits}
    scores = {}
    for name, (edit, inside) in edits.items():
        found = _moved(track, given) if name == SOURCE else _propagated(clip, track, edit, given)
        scores[name] = _score(track, found, (edit, inside), given)
        if sheets is not None:
            sheets.mkdir(parents=True, exist_ok=True)
            told = f"made of frame {', '.join(map(str, given))}, {scores[name]['inside_db']} dB inside"
            contact_sheet([(f"{name}, true", edit), (told, found)], sheets / f"{name}.png")
    return scores


def score_between(clip: KnownClip, step: int, sheets: Path | None = None) -> dict[str, Record]:
    """The scores of the frames between each ``step``-th one, whose true edit is given; as ``vp2p full`` makes them.

    They are compared in and around the old object and the new one, with what stands in front of them.

    Raises:
        VideoError: the pictures cannot be written.
    """
    given = list(range(0, len(clip.frames), step))
    scores = {}
    for name, (edit, inside) in clip.edits.items():
        region, replaces = _changed(clip, edit, given)
        ends = edited_layers(planes(clip.frames[given]), planes(edit[given]), region, not replaces)
        found = edit.copy()
        for number, before in enumerate(given):
            inner = range(before + 1, min(before + step, len(edit)))
            after = ends[number + 1] if number + 1 < len(given) else None
            for place, layers in zip(inner, between(planes(clip.frames[inner]), ends[number], after), strict=True):
                found[place] = rounded(layers.frame[None])[0]
        around = dilated(torch.from_numpy(clip.mask | inside), max(edit.shape[1:3]) // _NEAR)
        near = closing(around, max(edit.shape[1:3]) // _BRIDGED).numpy()
        figures = _figures(found, edit, near, given)
        scores[name] = {"inside_db": _mean(figures), "frames_db": figures}
        if sheets is not None:
            sheets.mkdir(parents=True, exist_ok=True)
            told = f"made of every {step}th frame, {_mean(figures)} dB"
            contact_sheet([(f"{name}, true", edit), (told, found)], sheets / f"{name}.png")
    return scores


def given_keys(track: ObjectTrack, first: int, count: int) -> list[int]:
    """The first key frame, and those from which, one by one, most is gained."""
    reach, keys = track.motion.reach, [first]
    while len(keys) < min(count, len(reach)):
        gained = (reach - reach[keys].amax(0)).clamp(min=0).sum(1)
        gained[keys] = -1
        keys.append(int(gained.argmax()))
    return keys


def _propagated(clip: KnownClip, track: ObjectTrack, edit: np.ndarray, keys: list[int]) -> np.ndarray:
    """All frames, made of the key frames of a true edit."""
    pictures, source = planes(edit), planes(clip.frames)
    region, replaces = _changed(clip, edit, keys)
    foregrounds = [
        find_foreground(track, Drawn(key, pictures[key], where), replaces)
        for key, where in zip(keys, region, strict=True)
    ]
    return rounded(propagate(track, foregrounds, source, replaces).frames)


def _changed(clip: KnownClip, edit: np.ndarray, keys: list[int]) -> tuple[Tensor, bool]:
    """Where an edit may have changed some frames, (n, H, W) in 0…1, and whether another object is there."""
    apart = (planes(edit[keys]) - planes(clip.frames[keys])).abs().amax(1) > _DIFFERENT
    mask = torch.from_numpy(clip.mask)[keys]
    beside = apart & ~dilated(mask, margin_of(mask))
    region = dilated(apart | mask, max(edit.shape[1:3]) // _REACH).float()
    return region, bool(beside.sum() > _REPLACES * mask.sum())


def _moved(track: ObjectTrack, keys: list[int]) -> np.ndarray:
    """All frames with the object of the key frames, as it moved: frames' own detail would hide how well it did."""
    foregrounds = [find_foreground(track, Drawn(key, track.clip[key], track.coarse_mask[key]), False) for key in keys]
    track.motion.prepare(keys)
    frames = track.clip.clone()
    for frame, own in enumerate(frames):
        picture, alpha, _, _ = mixed(track, foregrounds, frame, False)
        own += alpha * softened(track.altered[frame], track.margin) * (picture - own)
    return rounded(frames)


def _score(track: ObjectTrack, found: np.ndarray, true: tuple[np.ndarray, np.ndarray], keys: list[int]) -> Record:
    """PSNR inside the true object, for each frame but the key frames; and the frames that were followed."""
    figures = _figures(found, *true, keys)
    followed = [frame for frame in range(len(found)) if frame not in track.hard_frames(keys)]
    return {"inside_db": _mean(figures), "frames_db": figures, "followed": followed}


def _figures(found: np.ndarray, edit: np.ndarray, inside: np.ndarray, keys: list[int]) -> list[float]:
    """PSNR inside masks (F, H, W), for each frame but the key frames."""
    others = [slice(frame, frame + 1) for frame in range(len(found)) if frame not in keys]
    return [figure for one in others if (figure := decibel(found[one], edit[one], inside[one])) is not None]


def _mean(figures: list[float]) -> float | None:
    return round(float(np.mean(figures)), 3) if figures else None
