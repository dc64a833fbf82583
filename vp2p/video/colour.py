"""From a decoded frame to 8-bit RGB as a screen shows it: matrix, range, primaries, transfer and transparency.

HDR is tone-mapped: diffuse white, 203 cd/m² (ITU-R BT.2408), comes out white, and what is brighter is rolled
off above it. Transfer functions: SMPTE ST 2084 (PQ), ITU-R BT.2100 (HLG), ITU-R BT.1886 (SDR).
"""

from __future__ import annotations

from functools import cache

import av
import numpy as np

# Numbers of ITU-T H.273, which containers and codecs share.
_UNSAID = 2
_LINEAR, _PQ, _HLG = 8, 16, 18
_HDR = {_PQ: "PQ", _HLG: "HLG"}
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

_WHITE_NITS = 203.0
_PEAK_NITS_HLG = 1000.0
# Below this share of white nothing is changed; white itself then comes out at 251 of 255.
_KNEE = 0.9
_SDR_GAMMA = 2.4
_VIEWS = {"STEREO3D": "stereoscopic: its views are edited as one picture", "SPHERICAL": "a 360-degree panorama"}


def to_rgb(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """``frame`` at ``size`` (width, height), as uint8 sRGB-like RGB of shape (H, W, 3); alpha is laid on black."""
    width, height = size
    matrix = _NAMES.get(_guess(frame) or "")
    alpha = _has_alpha(frame)
    primaries = _primaries(frame)
    if frame.color_trc in (*_HDR, _LINEAR) or primaries in _WIDE:
        deep: np.ndarray = frame.reformat(width, height, "rgba64le" if alpha else "rgb48le", matrix).to_ndarray()
        rgb = _to_bt709(deep[..., :3], int(frame.color_trc), primaries)
        return _on_black(rgb, (deep[..., 3] >> 8).astype(np.uint8)) if alpha else rgb
    if alpha:
        rgba = frame.reformat(width, height, "rgba", matrix).to_ndarray()
        return _on_black(rgba[..., :3], rgba[..., 3])
    return frame.reformat(width, height, "rgb24", matrix).to_ndarray()


def notes(frame: av.VideoFrame) -> tuple[str, ...]:
    """What a user should know of how the colours of a clip with such frames are read."""
    told = []
    if frame.color_trc in _HDR:
        told.append(f"the video is HDR ({_HDR[frame.color_trc]}): it is tone-mapped, with white at 203 nits")
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


def _to_bt709(signal: np.ndarray, transfer: int, primaries: int) -> np.ndarray:
    """uint8 of a uint16 signal (H, W, 3) of a transfer function and primaries, for a screen of BT.709."""
    light = _curve(transfer)[signal]
    if transfer == _HLG:  # the system gamma of a screen of 1000 cd/m²
        luma = np.maximum(light @ _luma_of(primaries), 1e-9)
        light = light * (luma**0.2 * (_PEAK_NITS_HLG / _WHITE_NITS))[..., None]
    if primaries in _WIDE:
        light = _inside(light @ _matrix(primaries).T)
    if transfer in _HDR:
        light = _rolled_off(light)
    shown: np.ndarray = np.clip(light, 0, 1) ** (1 / _SDR_GAMMA) * 255 + 0.5
    return shown.astype(np.uint8)


@cache
def _curve(transfer: int) -> np.ndarray:
    """Light for each of 65,536 signals, float32: 1 is white; of HLG it is that of the scene, 1 at its peak."""
    signal = np.arange(65536) / 65535
    if transfer == _PQ:
        power = signal ** (1 / 78.84375)
        light = (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
        light *= 10_000 / _WHITE_NITS
    elif transfer == _HLG:
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    elif transfer == _LINEAR:
        light = signal
    else:
        light = signal**_SDR_GAMMA
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


def _rolled_off(light: np.ndarray) -> np.ndarray:
    """Light above the knee bent towards 1, by the brightest of the three, so that hues stay."""
    peak = np.maximum(light.max(axis=-1, keepdims=True), 1e-9)
    bent = _KNEE + (1 - _KNEE) * (1 - np.exp(-(peak - _KNEE) / (1 - _KNEE)))
    return light * np.where(peak > _KNEE, bent / peak, 1)
