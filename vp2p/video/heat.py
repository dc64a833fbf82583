"""Maps laid over frames for people to look at: attention as heat, masks as a tint."""

from __future__ import annotations

import numpy as np
from PIL import Image

# From nothing over violet and red to pale yellow, even in lightness.
_STOPS = np.array([(16, 12, 52), (100, 26, 128), (208, 62, 84), (250, 150, 42), (252, 250, 170)], np.float64)
_LEAST, _MOST = 0.35, 0.85  # how much of the heat's colour covers the frame
_TINT = np.array([255, 40, 150, 130], float)


def heat_overlay(frames: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Frames in grey under the colours of one map each; the brightest is the maps' maximum over all frames.

    Args:
        frames: uint8 RGB (F, H, W, 3).
        maps: (F, h, w), 0 or more.

    Returns:
        uint8 RGB (F, H, W, 3).
    """
    peak = max(float(maps.max()), 1e-12)
    return np.stack([_overlaid(frame, one / peak) for frame, one in zip(frames, maps)])


def heat_colours(heat: np.ndarray) -> np.ndarray:
    """uint8 RGBA, in a further last axis, of values from 0 to 1: what covers a grey frame."""
    heat = heat.clip(0, 1)
    position = heat * (len(_STOPS) - 1)
    colour = [np.interp(position, range(len(_STOPS)), channel) for channel in _STOPS.T]
    layers = np.stack([*colour, 255 * (_LEAST + (_MOST - _LEAST) * heat)], axis=-1)
    return np.round(layers).astype(np.uint8)


def tint_colours(masks: np.ndarray) -> np.ndarray:
    """uint8 RGBA, in a further last axis, of masks in 0…1: one colour, as opaque as the mask is certain."""
    colours = np.broadcast_to(_TINT, (*masks.shape, 4)).copy()
    colours[..., 3] *= masks
    pixels: np.ndarray = colours.round().astype(np.uint8)
    return pixels


def tint_overlay(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Frames under the tint of one mask (h, w) each, in 0…1; the masks' cells keep their edges.

    Args:
        frames: uint8 RGB (F, H, W, 3).

    Returns:
        uint8 RGB (F, H, W, 3).
    """
    laid = []
    for frame, colour in zip(frames, tint_colours(masks)):
        over = Image.fromarray(colour).resize((frames.shape[2], frames.shape[1]), Image.Resampling.NEAREST)
        laid.append(np.asarray(Image.alpha_composite(Image.fromarray(frame).convert("RGBA"), over).convert("RGB")))
    return np.stack(laid)


def _overlaid(frame: np.ndarray, heat: np.ndarray) -> np.ndarray:
    size = (frame.shape[1], frame.shape[0])
    enlarged = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    grey = Image.fromarray(frame).convert("L").convert("RGBA")
    covered = Image.alpha_composite(grey, Image.fromarray(heat_colours(enlarged)))
    return np.asarray(covered.convert("RGB"))
