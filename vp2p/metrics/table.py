"""All metrics of ``vp2p eval``, by name. A new one is a file with its function, and an entry here."""

from __future__ import annotations

from vp2p.metrics.frame_consistency import frame_consistency
from vp2p.metrics.frame_text import frame_text
from vp2p.metrics.lpips import lpips
from vp2p.metrics.metric import Metric
from vp2p.metrics.object_variance import object_variance
from vp2p.metrics.psnr import psnr
from vp2p.metrics.ssim import ssim
from vp2p.metrics.warp_error import warp_error

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "psnr", "PSNR", "higher", 2, "dB",
            "how near the edit is to the source, pixel by pixel",
            psnr, ("frames", "source"),
        ),
        Metric(
            "masked_psnr", "kept PSNR", "higher", 2, "dB",
            "the same over the pixels that should stay",
            psnr, ("frames", "source", "kept"),
        ),
        Metric(
            "ssim", "SSIM", "higher", 3, "",
            "how alike the structure of edit and source is, -1 to 1",
            ssim, ("frames", "source"),
        ),
        Metric(
            "lpips", "LPIPS", "lower", 3, "",
            "how different edit and source look to people, from 0",
            lpips, ("frames", "source", "lpips"),
        ),
        Metric(
            "warp_error", "warp error", "lower", 2, "",
            "how unsteady the clip is along the source's motion, from 0",
            warp_error, ("frames", "motion"),
        ),
        Metric(
            "clip_text", "CLIP text", "higher", 2, "",
            "how well the frames fit the edit's prompt, -100 to 100",
            frame_text, ("images", "text"),
        ),
        Metric(
            "clip_consistency", "CLIP steady", "higher", 4, "",
            "how alike neighbouring frames are, -1 to 1",
            frame_consistency, ("images",),
        ),
        Metric(
            "object_variance", "OSV", "lower", 4, "",
            "how much the edited object changes from frame to frame, 0 to 1",
            object_variance, ("objects",),
        ),
    )
}  # fmt: skip
"""In the order in which they are measured and shown."""
