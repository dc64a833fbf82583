"""All scores of one edited clip against the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vp2p.bench.cases import Case
from vp2p.bench.gmsd import gmsd
from vp2p.bench.steady import along_the_surface, looks, unsteadiness
from vp2p.bench.took import took
from vp2p.bench.truth import Truth
from vp2p.metrics.metric import Figure
from vp2p.metrics.psnr import psnr
from vp2p.sprites.moving import straightened
from vp2p.sprites.pose_judge import PoseJudge

_MOST = 100.0  # dB, for clips that are equal
VERSION = 4  # goes up when a score's meaning changes, so that kept scores are counted anew

SCORES: dict[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("took", "took", "higher", 0, "%", "frames that show all that was asked"),
        Figure("kept", "kept", "higher", 2, "dB", "PSNR against the clip where nothing may change"),
        Figure("true", "true", "higher", 2, "dB", "PSNR against the ideal edit"),
        Figure("distance", "distance", "lower", 4, "", "GMSD from the ideal edit"),
        Figure("steady", "steady", "lower", 2, "", "variance of the object's look over the ideal's; 1 is as steady"),
        Figure("along", "along", "lower", 2, "", "the same along the known flow of the object's whole surface"),
        Figure("looks", "looks", "lower", 2, "", "groups into which the frames' objects fall; 1 is one look"),
        Figure("cleared", "cleared", "higher", 2, "dB", "PSNR against the ideal where the old object alone was"),
        Figure("rebuilt", "rebuilt", "higher", 2, "dB", "PSNR of the source branch against the clip"),
    )
}
"""How the scores of :class:`Scores` are shown."""


@dataclass(frozen=True)
class Scores:
    """Scores of one clip, as :data:`SCORES` explains them; None where one does not apply.

    dB are at most 100. ``parts``: the share of frames for each part of what was asked.
    """

    kept: float | None
    took: float
    parts: dict[str, float] = field(default_factory=dict)
    true: float | None = None
    distance: float | None = None
    steady: float | None = None
    along: float | None = None
    looks: float | None = None
    cleared: float | None = None
    rebuilt: float | None = None


def score(
    case: Case,
    truth: Truth,
    frames: np.ndarray,
    source: np.ndarray | None,
    unedited: np.ndarray,
    ceiling: np.ndarray,
    judge: PoseJudge,
) -> Scores:
    """Scores an edited clip. All clips are uint8 (F, S, S, 3).

    Args:
        source: the source branch's clip, where there is one.
        unedited, ceiling: the clip and the ideal (or, where there is none, the clip) as the VAE alone
            returns them.
    """
    shown = took(case, truth, frames, unedited, judge)
    ideal, kept = truth.ideal, truth.kept
    return Scores(
        kept=None if kept is None else decibel(frames, truth.clip, kept),
        took=round(float(np.all(list(shown.values()), axis=0).mean()), 4),
        parts={part: round(float(np.mean(there)), 4) for part, there in shown.items()},
        true=None if ideal is None else decibel(frames, ideal),
        distance=None if ideal is None else round(gmsd(frames, ideal), 4),
        steady=round(_ratio(*(unsteadiness(*straightened(case.scene, clip)) for clip in (frames, ceiling))), 3),
        along=round(_ratio(*(along_the_surface(clip, case.ideal or case.scene) for clip in (frames, ceiling))), 3),
        looks=looks(frames, truth.clip if ideal is None else ideal, case.ideal or case.scene),
        cleared=None if ideal is None or truth.bared is None else decibel(frames, ideal, truth.bared),
        rebuilt=None if source is None else decibel(source, truth.clip),
    )


def _ratio(found: float, wanted: float) -> float:
    return found / max(wanted, 1e-6)


def decibel(first: np.ndarray, second: np.ndarray, kept: np.ndarray | None = None) -> float | None:
    """PSNR of two clips, uint8 (F, H, W, 3), where they are ``kept``, bool (F, H, W): at most 100; None of nothing."""
    value = psnr(first, second, kept)
    return None if value is None else round(min(value, _MOST), 3)
