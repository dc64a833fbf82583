"""Points that were clicked on frames of the clip, as ``--mask-point`` takes them."""

from __future__ import annotations

import json

from vp2p.errors import UsageError
from vp2p.points import Point
from vp2p.video.reading import probe
from vp2p.workspace import Workspace

_MOST = 32


def clicked_points(workspace: Workspace, clicked: str) -> list[str]:
    """The points as they are typed: in pixels of the video, or where it is no file, in percents of its kept frames.

    Args:
        clicked: JSON of a list of points: shares 0…1 of the width and the height of the frame that
            :func:`vp2p.ui.pictures.frames_to_mark` shows, whether the point is on the object, and the frame's place.
            May be empty.

    Raises:
        UsageError: it is none, or no point is on the object.
        VideoError: the video cannot be read.
    """
    try:
        given = [(float(x), float(y), bool(on), int(place)) for x, y, on, place in json.loads(clicked or "[]")]
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError("The points cannot be read.", "click on the picture again") from error
    if len(given) > _MOST or not all(0 <= min(x, y) and max(x, y) <= 1 and place >= 0 for x, y, _, place in given):
        raise UsageError(f"The points must be in the picture, and at most {_MOST}.", "click on the picture again")
    if given and not any(on for _, _, on, _ in given):
        raise UsageError("No point is on the object.", "click on it with Point chosen, and without Shift")
    if not given:
        return []
    if not workspace.video.is_file():
        return [str(Point(round(100 * x, 2), round(100 * y, 2), True, place, on)) for x, y, on, place in given]
    video = probe(workspace.video)
    return [str(Point(_pixel(x, video.width), _pixel(y, video.height), False, place, on)) for x, y, on, place in given]


def _pixel(share: float, side: int) -> float:
    return round(min(max(share * side - 0.5, 0), side - 1), 1)
