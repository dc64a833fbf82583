"""Maps laid over frames: a word's attention as heat, where an edit acts as a tint."""

from __future__ import annotations

import numpy as np
from PIL import Image

from vp2p.report.content import Maps
from vp2p.video.heat import heat_colours, heat_overlay

_TINT = np.array([255, 40, 150, 130], float)


def coloured(maps: Maps) -> np.ndarray:
    """uint8 RGBA of shape (F, h, w, 4), in the maps' own resolution; heat is meant to cover grey frames."""
    if maps.kind == "attention":
        return heat_colours(maps.values)
    colours = np.broadcast_to(_TINT, (*maps.values.shape, 4)).copy()
    colours[..., 3] *= maps.values
    pixels: np.ndarray = colours.round().astype(np.uint8)
    return pixels


def overlaid(frames: np.ndarray, maps: Maps) -> np.ndarray:
    """``frames``, uint8 RGB (F, H, W, 3), under the coloured maps; masks keep their cells' edges."""
    if maps.kind == "attention":
        return heat_overlay(frames, maps.values)
    laid = []
    for frame, colour in zip(frames, coloured(maps)):
        over = Image.fromarray(colour).resize((frames.shape[2], frames.shape[1]), Image.Resampling.NEAREST)
        laid.append(np.asarray(Image.alpha_composite(Image.fromarray(frame).convert("RGBA"), over).convert("RGB")))
    return np.stack(laid)
