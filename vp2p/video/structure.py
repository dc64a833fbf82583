"""Pictures of a clip's structure, for ControlNets: edges of its own frames, or those of a video that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Container, Iterable, Mapping

import cv2
import numpy as np

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings, kind_and_path
from vp2p.video.mask import match
from vp2p.video.reading import read_clip

_LOW, _HIGH = 100, 200  # Canny's thresholds, those that ControlNets were trained with
_BLUR = 1 / 256  # of the longer side: the width of soft edges
_BRIGHT = 99.0  # the percentile of the gradient that becomes white


def canny(frames: np.ndarray) -> np.ndarray:
    """White edges on black by Canny's method, of frames uint8 RGB (F, H, W, 3)."""
    return np.stack([_rgb(cv2.Canny(frame, _LOW, _HIGH)) for frame in frames])


def soft_edges(frames: np.ndarray) -> np.ndarray:
    """Edges as soft lines, white on black: the smoothed size of the gradient of frames uint8 RGB (F, H, W, 3).

    This is no HED, which is a network of its own: its lines follow contrast alone, in textures too.
    """
    sigma = max(1.0, max(frames.shape[1:3]) * _BLUR)
    sizes = np.stack([_gradient(frame, sigma) for frame in frames])
    white = max(float(np.percentile(sizes, _BRIGHT)), 1e-3)
    return np.stack([_rgb((size / white).clip(0, 1)) for size in sizes])


MAKERS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {"canny": canny, "softedge": soft_edges}
"""How the pictures of a kind are made of frames."""


def structure_pictures(kind: str, frames: np.ndarray, given: Mapping[str, np.ndarray]) -> np.ndarray:
    """The pictures of a kind for frames (F, H, W, 3), uint8 RGB of that size: those given, else made of the frames.

    Raises:
        UsageError: there are none, or not one for each frame.
    """
    if kind in given:
        pictures = given[kind]
        if pictures.shape != frames.shape or pictures.dtype != np.uint8:
            raise UsageError(
                f"The pictures of {kind} are {pictures.dtype} of the shape {pictures.shape}, but the clip's frames are "
                f"uint8 of {frames.shape}.",
                "give one picture for each frame, of its size",
            )
        return pictures
    check_kinds([kind], given)
    return MAKERS[kind](frames)


def check_kinds(kinds: Iterable[str], given: Container[str]) -> None:
    """Raises UsageError if pictures of a kind are neither given nor made of the frames."""
    for kind in kinds:
        if kind not in given and kind not in MAKERS:
            raise UsageError(
                f"The ControlNet of the kind {kind} needs pictures, and no control video gives any.",
                f"vp2p init … --control-video {kind}={kind}.mp4, or vp2p config clip.control_video {kind}={kind}.mp4",
            )


def control_path(text: str) -> tuple[str, Path]:
    """The kind and the path that ``KIND=PATH`` names. Raises UsageError if nothing is there."""
    kind, name = kind_and_path(text, "control_video")
    path = Path(name).expanduser()
    if not path.exists():
        raise UsageError(
            f"There is no control video {path}.", f"give --control-video {kind}= a video or a folder of pictures"
        )
    return kind, path


def read_controls(video: Path, clip: ClipSettings, count: int) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The pictures by kind that the control videos of ``clip`` hold for ``count`` frames that it chose from ``video``.

    Frames are matched as those of a mask are.

    Returns:
        uint8 RGB (F, h, w, 3) of each one's own size, and notes.

    Raises:
        VideoError, UsageError: one is not there, cannot be read, or holds fewer frames than the clip.
    """
    found: dict[str, np.ndarray] = {}
    notes: tuple[str, ...] = ()
    for kind, path in map(control_path, clip.control_video):
        matched = match(path, video, clip, count, f"control video of {kind}")
        try:
            chosen = read_clip(path, matched.settings, None, matched.by_times)
        except UsageError as error:
            raise UsageError(
                f"The control video {path} does not cover the clip's {count} frames. {error.cause}",
                f"give --control-video {kind}= a video as long as the clip",
            ) from error
        notes += matched.notes
        if len(chosen.frames) == 1 < count:
            notes += (f"the control video of {kind} is one picture: it holds for all {count} frames",)
        found[kind] = chosen.frames.repeat(count, axis=0) if len(chosen.frames) == 1 else chosen.frames
    return found, notes


def _gradient(frame: np.ndarray, sigma: float) -> np.ndarray:
    smooth = cv2.GaussianBlur(frame.astype(np.float32), (0, 0), sigma)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, dy) for dx, dy in ((1, 0), (0, 1)))
    size: np.ndarray = np.sqrt(across**2 + down**2).max(-1)
    return size


def _rgb(grey: np.ndarray) -> np.ndarray:
    """Three alike channels, uint8, of greys in 0…255, or in 0…1 where they are no whole numbers."""
    values = grey if grey.dtype == np.uint8 else np.rint(grey * 255).astype(np.uint8)
    return values[..., None].repeat(3, -1)
