"""The measures of ``vp2p eval``, each where it can be taken; docs/metrics.md defines them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    from vp2p.metrics.lpips import Distance
    from vp2p.metrics.warp_error import Motion
    from vp2p.models.clip import Clip


@dataclass(frozen=True)
class Tools:
    """What some measures need, and is loaded once for all edits; None leaves those measures out."""

    clip: Clip | None
    distance: Distance | None


def load_tools(clip_model: str | None, lpips: bool) -> Tools:
    """What the asked-for measures need.

    Raises:
        UsageError: LPIPS needs packages that are missing.
        ModelError: a model cannot be had.
    """
    from vp2p.metrics.lpips import load_lpips
    from vp2p.models.clip import load_clip

    return Tools(load_clip(clip_model) if clip_model else None, load_lpips() if lpips else None)


def against_source(
    edited: np.ndarray, source: np.ndarray, kept: np.ndarray | None, tools: Tools
) -> dict[str, float | None]:
    """The measures that compare an edit with its source, uint8 clips (F, H, W, 3).

    ``kept`` are the pixels that should stay, bool (F, H, W).
    """
    from vp2p.metrics.lpips import lpips
    from vp2p.metrics.psnr import psnr
    from vp2p.metrics.ssim import WINDOW, ssim

    scores = {"psnr": psnr(edited, source)}
    if kept is not None:
        scores["masked_psnr"] = psnr(edited, source, kept)
    if min(edited.shape[1:3]) >= WINDOW:
        scores["ssim"] = ssim(edited, source)
    if tools.distance is not None:
        scores["lpips"] = lpips(edited, source, tools.distance)
    return scores


def alone(
    frames: np.ndarray, prompt: str, motion: Motion | None, marked: Tensor | None, tools: Tools
) -> dict[str, float | None]:
    """The measures of a clip, uint8 (F, H, W, 3), that need no original.

    ``motion`` is the source's, ``marked`` (F, h, w) where the object is.
    """
    from vp2p.metrics.frame_consistency import frame_consistency
    from vp2p.metrics.frame_text import frame_text
    from vp2p.metrics.object_variance import object_variance
    from vp2p.metrics.region import object_boxes
    from vp2p.metrics.warp_error import warp_error

    scores = {"warp_error": warp_error(frames, motion) if motion is not None else None}
    if tools.clip is not None:
        embedded = tools.clip.images(list(frames))
        scores["clip_text"] = frame_text(embedded, tools.clip.text(prompt))
        scores["clip_consistency"] = frame_consistency(embedded)
    if tools.clip is not None and marked is not None:
        boxes = object_boxes(marked, frames.shape[1:3])
        crops = [frame[box[0] : box[2], box[1] : box[3]] for frame, box in zip(frames, boxes) if box]
        scores["object_variance"] = object_variance(tools.clip.images(crops)) if len(crops) > 1 else None
    return scores
