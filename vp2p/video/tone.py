"""HDR light brought to an SDR screen: the EETF of ITU-R BT.2390, from the clip's peak to a white of 203 cd/m².

Transfer functions: SMPTE ST 2084 (PQ) and ITU-R BT.2100 (HLG). White: ITU-R BT.2408. The peak is MaxCLL (CTA-861.3)
or else that of the mastering display (SMPTE ST 2086).
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Any, NamedTuple

import av
import numpy as np

PQ, HLG = 16, 18  # numbers of ITU-T H.273
WHITE_NITS = 203.0
HLG_NITS = 1000.0
"""The peak of the screen that HLG is shown for, which sets its system gamma of 1.2."""
_UNSAID_NITS = 1000.0  # what most clips are graded for
_MOST_NITS = 10_000.0
_M1, _M2 = 0.1593017578125, 78.84375
_C1, _C2, _C3 = 0.8359375, 18.8515625, 18.6875
_STEPS = 1024  # of the table of gains


class Tone(NamedTuple):
    """What kind of HDR a clip is (``PQ`` or ``HLG``), and the brightest light in it, in cd/m²."""

    transfer: int
    peak: float

    @property
    def note(self) -> str:
        """What a user should know of it."""
        name = "PQ" if self.transfer == PQ else "HLG"
        return (
            f"the video is HDR ({name}): it is tone-mapped from {self.peak:.0f} to {WHITE_NITS:.0f} nits "
            "by ITU-R BT.2390, and what is written is SDR"
        )


def tone_of(frame: av.VideoFrame) -> Tone | None:
    """The kind of HDR of a clip with such frames; None where it is SDR."""
    if frame.color_trc == HLG:
        return Tone(HLG, HLG_NITS)
    return Tone(PQ, _said_peak(frame) or _UNSAID_NITS) if frame.color_trc == PQ else None


def pq_to_nits(signal: np.ndarray) -> np.ndarray:
    """Light in cd/m² of PQ signals in 0…1."""
    power = signal ** (1 / _M2)
    return _MOST_NITS * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1)


def nits_to_pq(nits: np.ndarray | float) -> np.ndarray:
    """PQ signals in 0…1 of light in cd/m²."""
    power = (np.asarray(nits) / _MOST_NITS) ** _M1
    return ((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2


def hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """Light of the scene, 1 at its peak, of HLG signals in 0…1."""
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)


def tone_mapped(light: np.ndarray, peak: float) -> np.ndarray:
    """``light`` (..., 3), with 1 for white, at most 1; all three parts by the brightest one's gain, so hues stay."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    held = np.minimum(brightest, max(peak, WHITE_NITS) / WHITE_NITS)
    mapped: np.ndarray = light * (np.interp(held, *_gains(peak)) * held / brightest).astype(np.float32)
    return mapped


@cache
def _gains(peak: float) -> tuple[np.ndarray, np.ndarray]:
    """Some light up to the peak, with 1 for white, and the share of each that is left."""
    source = nits_to_pq(max(peak, WHITE_NITS))
    signal = np.linspace(0, 1, _STEPS + 1)[1:]
    before = pq_to_nits(signal * source)
    after = pq_to_nits(_eetf(signal, float(nits_to_pq(WHITE_NITS) / source)) * source)
    return before / WHITE_NITS, after / before


def _eetf(signal: np.ndarray, most: float) -> np.ndarray:
    """ITU-R BT.2390, section 5.4.1, with black at 0: PQ signals, as shares of the source's, bent to end at ``most``."""
    knee = 1.5 * most - 0.5
    t = np.maximum(signal - knee, 0) / max(1 - knee, 1e-9)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * most
    return np.where(signal < knee, signal, spline)


def _said_peak(frame: av.VideoFrame) -> float | None:
    """The peak that a frame's metadata say, if it can be one."""
    side: Any = frame.side_data  # its stub knows of motion vectors only
    nits = []
    if (content := side.get("CONTENT_LIGHT_LEVEL")) is not None:
        nits.append(float(struct.unpack_from("I", bytes(content))[0]))
    if (display := side.get("MASTERING_DISPLAY_METADATA")) is not None:
        # AVMasteringDisplayMetadata: ten fractions, the last of which is the most light, and two flags.
        *_, most, unit, _, said = struct.unpack_from("22i", bytes(display))
        nits.append(most / unit if said and unit > 0 else 0.0)
    return next((one for one in nits if 1 <= one <= _MOST_NITS), None)
