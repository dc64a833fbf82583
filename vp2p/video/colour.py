"""From a decoded frame to 8-bit RGB as a screen shows it: matrix, range, primaries, transfer and transparency.

The screen is one of BT.709 primaries with the transfer of ITU-R BT.1886. HDR is tone-mapped; see ``tone.py``.
"""

from __future__ import annotations

from functools import cache

import av
import numpy as np
from av.video.reformatter import Interpolation

from vp2p.video.tone import HLG, HLG_NITS, PQ, WHITE_NITS, Tone, hlg_to_scene, pq_to_nits, tone_mapped, tone_of

# Numbers of ITU-T H.273, which containers and codecs share.
_UNSAID = 2
_LINEAR = 8
_HDR = (PQ, HLG)
_ODD_TRANSFERS = {9: "logarithmic", 10: "logarithmic", 17: "SMPTE 428"}
_ODD_MATRICES = {
    8: "YCgCo",
    10: "BT.2020 constant luminance",
    11: "SMPTE 2085",
    12: "derived from its primaries",
    13: "derived from its primaries",
    14: "ICtCp",
    15: "IPT-C2, as of Dolby Vision profile 5",
    16: "YCgCo-R",
    17: "YCgCo-R",
}
# Red, green and blue as CIE xy. White is D65 throughout.
_BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
_P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
_WIDE = {9: ("BT.2020", ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046))), 11: ("P3", _P3), 12: ("P3", _P3)}
_BT2020 = 9
# What PyAV calls the matrices that it is told; BT.601 is what it takes by itself.
_NAMES = {"BT.709": "ITU709", "BT.2020": "BT2020"}
_D65 = (0.3127, 0.3290)
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)

_SDR_GAMMA = 2.4
# Without these flags FFmpeg leaves out the last bits: white of a 10-bit clip is 253, and greys come in bands.
_DEEP = Interpolation.BILINEAR | Interpolation.ACCURATE_RND
_FINE = _DEEP | Interpolation.FULL_CHR_H_INT  # to 8 bits alone: with 16, BT.2020 overflows
_FULL_SCALE = 65280  # what FFmpeg makes of white where YUV becomes 16-bit RGB
_VIEWS = {"STEREO3D": "stereoscopic: its views are edited as one picture", "SPHERICAL": "a 360-degree panorama"}


def to_rgb(frame: av.VideoFrame, size: tuple[int, int], tone: Tone | None) -> np.ndarray:
    """``frame`` at ``size`` (width, height), as uint8 sRGB-like RGB of shape (H, W, 3); alpha is laid on black.

    Args:
        tone: of the whole clip, so that no frame is mapped otherwise than the next.
    """
    alpha = _has_alpha(frame)
    if tone or frame.color_trc == _LINEAR or _primaries(frame) in _WIDE:
        deep = _converted(frame, size, "rgba64le" if alpha else "rgb48le", _DEEP)
        rgb = _to_bt709(_full(deep[..., :3], frame), frame, tone)
        return _on_black(rgb, (deep[..., 3] >> 8).astype(np.uint8)) if alpha else rgb
    fine = _FINE if max(component.bits for component in frame.format.components) > 8 else None
    if alpha:
        rgba = _converted(frame, size, "rgba", fine)
        return _on_black(rgba[..., :3], rgba[..., 3])
    return _converted(frame, size, "rgb24", fine)


def _converted(frame: av.VideoFrame, size: tuple[int, int], to: str, how: Interpolation | None) -> np.ndarray:
    matrix = _NAMES.get(_guess(frame) or "")
    return frame.reformat(*size, to, matrix, interpolation=how).to_ndarray()


def _full(signal: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """A uint16 signal whose white is 65535."""
    if _is_rgb(frame):
        return signal
    stretched: np.ndarray = np.minimum(signal.astype(np.uint32) * 65535 // _FULL_SCALE, 65535)
    return stretched


def notes(frame: av.VideoFrame) -> tuple[str, ...]:
    """What a user should know of how the colours of a clip with such frames are read."""
    told = []
    if tone := tone_of(frame):
        told.append(tone.note)
    elif _primaries(frame) in _WIDE:
        told.append(f"the colours are converted from {_WIDE[_primaries(frame)][0]} to BT.709")
    if frame.color_trc in _ODD_TRANSFERS:
        told.append(f"the video's transfer is {_ODD_TRANSFERS[frame.color_trc]}, which is not converted")
    if frame.colorspace in _ODD_MATRICES and not _is_rgb(frame):
        told.append(f"the video's colour matrix is {_ODD_MATRICES[frame.colorspace]}: its colours may come out wrong")
    if guess := _guess(frame):
        told.append(
            f"the video does not say its colour matrix: {guess} is taken, as players do at {frame.width}x{frame.height}"
        )
    if _has_alpha(frame):
        told.append("transparent parts of the video are laid on black")
    told += [f"the video is {what}" for kind, what in _VIEWS.items() if frame.side_data.get(kind) is not None]
    return tuple(told)


def _is_rgb(frame: av.VideoFrame) -> bool:
    return frame.format.is_rgb or frame.format.has_palette or len(frame.format.components) < 3


def _guess(frame: av.VideoFrame) -> str | None:
    """The matrix of a frame that does not say its own, by its size as players guess it; None where it says it."""
    if frame.colorspace not in (_UNSAID, 3) or _is_rgb(frame):  # 3 is reserved
        return None
    if _primaries(frame) == _BT2020:
        return "BT.2020"
    return "BT.709" if frame.width >= 1280 or frame.height > 576 else "BT.601"


def _primaries(frame: av.VideoFrame) -> int:
    """The primaries that a frame says; HDR that says none has those of BT.2020 (ITU-R BT.2100)."""
    said = int(frame.color_primaries)
    return _BT2020 if said in (0, _UNSAID) and frame.color_trc in _HDR else said


def _has_alpha(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)


def _on_black(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    covered: np.ndarray = (rgb.astype(np.uint16) * alpha[..., None] + 127) // 255
    return covered.astype(np.uint8)


def _to_bt709(signal: np.ndarray, frame: av.VideoFrame, tone: Tone | None) -> np.ndarray:
    """uint8 of a frame's signal, which is up to 65535 and (H, W, 3), for a screen of BT.709."""
    transfer, primaries = tone.transfer if tone else int(frame.color_trc), _primaries(frame)
    light = _curve(transfer)[signal]
    if transfer == HLG:  # the system gamma of a screen of 1000 cd/m²
        luma = np.maximum(light @ _luma_of(primaries), 1e-9)
        light = light * (luma**0.2 * (HLG_NITS / WHITE_NITS))[..., None]
    if primaries in _WIDE:
        light = _inside(light @ _matrix(primaries).T)
    if tone:
        light = tone_mapped(light, tone.peak)
    shown: np.ndarray = np.clip(light, 0, 1) ** (1 / _SDR_GAMMA) * 255 + 0.5
    return shown.astype(np.uint8)


@cache
def _curve(transfer: int) -> np.ndarray:
    """Light for each of 65,536 signals, float32: 1 is white; of HLG it is that of the scene, 1 at its peak."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:
        light = pq_to_nits(signal) / WHITE_NITS
    elif transfer == HLG:
        light = hlg_to_scene(signal)
    else:
        light = signal if transfer == _LINEAR else signal**_SDR_GAMMA
    return light.astype(np.float32)


@cache
def _xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray:
    """(3, 3), from linear RGB of primaries with D65 as white to CIE XYZ."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    x, y = _D65
    scaled: np.ndarray = columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])
    return scaled


@cache
def _matrix(primaries: int) -> np.ndarray:
    """(3, 3) float32, from linear RGB of wide primaries to that of BT.709."""
    matrix: np.ndarray = np.linalg.inv(_xyz(_BT709)) @ _xyz(_WIDE[primaries][1])
    return matrix.astype(np.float32)


def _luma_of(primaries: int) -> np.ndarray:
    return _xyz(_WIDE[primaries][1])[1].astype(np.float32) if primaries in _WIDE else _LUMA


def _inside(light: np.ndarray) -> np.ndarray:
    """Colours outside BT.709 mixed with their grey until no part is negative: hue and brightness stay."""
    grey = np.maximum(light @ _LUMA, 0)[..., None]
    least = light.min(axis=-1, keepdims=True)
    share = np.where(least < 0, grey / np.maximum(grey - least, 1e-9), 1)
    mixed: np.ndarray = grey + (light - grey) * share
    return mixed
