"""When each frame of a stream is shown, where its time stamps are missing or wrong."""

from __future__ import annotations

from typing import Sequence

import numpy as np


def best_stamps(pts: Sequence[int | None], dts: Sequence[int | None], start: int | None = None) -> Sequence[int | None]:
    """The likelier stamps of decoded frames: of presentation, or of decoding where those run back less often.

    FFmpeg's players choose so. AVI, for one, keeps no times of presentation, and those made up for it run back.
    A decoder that waits for later frames gives the first one late: those of decoding are put back to ``start``,
    the stamp at which the stream begins.
    """
    if _backward(pts) <= _backward(dts):
        return pts
    late = next((stamp for stamp in dts if stamp is not None), 0) - start if start is not None else 0
    return [None if stamp is None else stamp - late for stamp in dts]


def _backward(stamps: Sequence[int | None]) -> int:
    known = [stamp for stamp in stamps if stamp is not None]
    return sum(after <= before for before, after in zip(known, known[1:]))


def filled(stamps: Sequence[int | None], step: float) -> np.ndarray:
    """Rising times, float64 (n,), for frames in the order they are shown; no frame is lost.

    A stamp that is missing, or does not come after all those before it, is put evenly between its
    neighbours, or at an end ``step`` away from its one neighbour. All are in the stream's own unit.
    """
    places: list[int] = []
    known: list[int] = []
    for place, stamp in enumerate(stamps):
        if stamp is not None and (not known or stamp > known[-1]):
            places.append(place)
            known.append(stamp)
    order = np.arange(len(stamps), dtype=float)
    if not known:
        return order * step
    times: np.ndarray = np.interp(order, places, known)
    times[: places[0]] = known[0] - step * np.arange(places[0], 0, -1)
    times[places[-1] + 1 :] = known[-1] + step * np.arange(1, len(stamps) - places[-1])
    return times
