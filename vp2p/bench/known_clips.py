"""Clips whose object, and perhaps whose true edits, are known: folders of them, as a benchmark reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, Mapping, Sequence
from zipfile import BadZipFile

import cv2
import numpy as np
from PIL import Image

from vp2p.bench.cases import FRAMES, SIDE, Case
from vp2p.bench.selecting import select
from vp2p.errors import UsageError, VideoError
from vp2p.settings import ClipSettings
from vp2p.sprites.moving import MovingScene
from vp2p.sprites.scenes import Scene
from vp2p.video.mask import match, read_mask
from vp2p.video.reading import read_clip

SOURCE = "source"
_FRAMES = 8  # of a clip that is a plain video or folder of pictures


@dataclass(frozen=True)
class KnownClip:
    """A clip whose edits are known.

    ``frames`` are uint8 (F, H, W, 3), ``mask`` bool (F, H, W) says where the object is. ``edits`` holds the frames of
    each true edit and where its new object is. ``key`` is the frame whose edit is given.
    """

    frames: np.ndarray
    mask: np.ndarray
    key: int
    edits: Mapping[str, tuple[np.ndarray, np.ndarray]]


def known_clips(folder: Path) -> Iterator[tuple[str, Callable[[], KnownClip]]]:
    """The clips of a folder, by name, and how to read each: with true edits where it has them, else alone.

    Raises:
        UsageError: there is no such folder. Reading raises VideoError.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder.", "give --data a folder of clips")
    for place in sorted(folder.iterdir()):
        if (place / SOURCE).is_dir() and (place / "mask.npz").is_file():
            yield place.name, partial(_rendered, place)
        elif (mask := _mask_beside(place)) is not None:
            yield place.stem, partial(_plain, place, mask)


def drawn_clips(patterns: Sequence[str], frames: int = FRAMES) -> Iterator[tuple[str, Callable[[], KnownClip]]]:
    """The same of SpriteBench's own cases that have an ideal edit with an object; see :func:`select`.

    Args:
        frames: into how many each case's motion is drawn.
    """
    for name, case in select(patterns).items():
        if case.ideal is not None and not {"place", "style"} & set(case.asked):
            yield name, partial(_drawn, case, frames)


def _drawn(case: Case, frames: int) -> KnownClip:
    (clip, mask), ideal = (_seen(scene, frames) for scene in (case.scene, case.ideal or case.scene))
    return KnownClip(clip, mask, 0, {"ideal": ideal})


def _seen(scene: Scene, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """A scene's frames, and where its object is seen, bool (F, S, S): behind what passes in front, it is not."""
    masks = scene.masks(frames, SIDE)
    if isinstance(scene, MovingScene):
        masks &= ~scene.hidden(frames, SIDE)
    return scene.render(frames, SIDE), masks


def _rendered(place: Path) -> KnownClip:
    masks = {name: np.asarray(mask, bool) for name, mask in _arrays(place / "mask.npz", SOURCE).items()}
    key = int(_arrays(place / "flow.npz", "key")["key"]) if (place / "flow.npz").is_file() else 0
    names = [name for name in masks if name != SOURCE and not name.endswith("place") and (place / name).is_dir()]
    edits = {name: (_pictures(place / name), masks[name]) for name in names}
    return KnownClip(_pictures(place / SOURCE), masks[SOURCE], key, edits)


def _arrays(path: Path, needed: str) -> Mapping[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in {needed, *stored.files}}
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise VideoError(f"{path} cannot be read: {error}.", f"give a file of numpy.savez with {needed}") from error


def _pictures(folder: Path) -> np.ndarray:
    try:
        return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("[0-9]*.*"))])
    except (OSError, ValueError) as error:
        raise VideoError(
            f"{folder} cannot be read: {error}.", "give a folder of numbered pictures of one size"
        ) from error


def _mask_beside(place: Path) -> Path | None:
    if place.stem.endswith("-mask") or place.name.startswith("."):
        return None
    beside = [path for path in place.parent.glob("*-mask*") if path.name.startswith(f"{place.stem}-mask")]
    return beside[0] if beside else None


def _plain(place: Path, mask: Path) -> KnownClip:
    settings = ClipSettings(_FRAMES, size="keep")
    frames = read_clip(place, settings).frames
    found = match(mask, place, settings, len(frames))
    white, _ = read_mask(mask, found.settings, found.by_times)
    height, width = frames.shape[1:3]
    shapes = [cv2.resize(one, (width, height), interpolation=cv2.INTER_AREA) > 127 for one in white[..., 0]]
    return KnownClip(frames, np.broadcast_to(np.stack(shapes), frames.shape[:3]).copy(), 0, {})
