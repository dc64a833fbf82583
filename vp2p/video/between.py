"""The frames between those that are edited, small: they tell how things move from one to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vp2p.settings import ClipSettings
from vp2p.video.fitting import Fit, Size, fit_frames, within
from vp2p.video.reading import SpanFrames

_SIDE = 256  # pixels: motion is found in pictures of that size
_MOST = 6  # between two frames that are edited
_FAR = 48  # frames between two: what is further apart is another shot as a rule, and takes long to read
_LONG = 24  # frames that are edited: of more, each has its neighbours near

Between = tuple[np.ndarray, ...]
"""For each two frames that follow one another those between them: uint8 RGB (n, h, w, 3), n perhaps 0."""


def small(size: Size) -> Size:
    """Width and height at which they are kept, of frames of this width and height."""
    return within(size, _SIDE)


def frames_between(path: Path, settings: ClipSettings, size: Size | None = None) -> Between:
    """The frames between those that ``settings`` choose, a few of each gap; none where there are none, or too many.

    Args:
        size: width and height to which the chosen ones are fitted; by default they stay as they are.

    Raises:
        VideoError, UsageError: see :func:`vp2p.video.reading.read_clip`.
    """
    span = SpanFrames(path, settings)
    gaps = [range(before + 1, after) for before, after in zip(span.sampled, span.sampled[1:])]
    if len(gaps) >= _LONG or not any(gaps) or max(map(len, gaps)) > _FAR:
        return ()
    chosen = [gap[:: -(-len(gap) // _MOST) or 1] for gap in gaps]
    fit: Fit = settings.fit if size else "stretch"
    wanted = small(size or span.size)
    pictures = span.each([place for gap in chosen for place in gap])
    return tuple(fitted([next(pictures) for _ in gap], wanted, fit) for gap in chosen)


def fitted(pictures: list[np.ndarray], size: Size, fit: Fit) -> np.ndarray:
    """Pictures (H, W, 3) as (n, h, w, 3) of a width and height."""
    each = [fit_frames(picture[None], size, fit) for picture in pictures]
    return np.concatenate([np.zeros((0, size[1], size[0], 3), np.uint8), *each])
