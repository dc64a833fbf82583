"""Maps laid over frames: a word's attention as heat, where an edit acts as a tint."""

from __future__ import annotations

import numpy as np

from vp2p.report.content import Maps
from vp2p.video.heat import heat_colours, heat_overlay, tint_colours, tint_overlay


def coloured(maps: Maps) -> np.ndarray:
    """uint8 RGBA of shape (F, h, w, 4), in the maps' own resolution; heat is meant to cover grey frames."""
    return (heat_colours if maps.kind == "attention" else tint_colours)(maps.values)


def overlaid(frames: np.ndarray, maps: Maps) -> np.ndarray:
    """``frames``, uint8 RGB (F, H, W, 3), under the coloured maps; masks keep their cells' edges."""
    return (heat_overlay if maps.kind == "attention" else tint_overlay)(frames, maps.values)
