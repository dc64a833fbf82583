"""All scores of one edited clip against the truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from vp2p.bench.cases import Case
from vp2p.bench.gmsd import gmsd
from vp2p.bench.steady import unsteadiness
from vp2p.bench.took import took
from vp2p.bench.truth import Truth
from vp2p.metrics.psnr import psnr
from vp2p.sprites.pose_judge import PoseJudge

VERSION = 1  # goes up when a score's meaning changes, so that kept scores are counted anew


_MOST = 100.0  # dB, for clips that are equal


@dataclass(frozen=True)
class Scores:
    """Scores of one clip; None where one does not apply.

    dB are of PSNR, at most 100. ``kept``: dB against the clip where nothing may change. ``took``: the
    share of frames that show all that was asked; ``parts`` by part. ``true``: dB against the ideal;
    ``distance``: its GMSD, lower is better. ``steady``: variance of the look over the ideal's, 1 as
    steady as the ideal, higher is worse. ``rebuilt``: dB of the source branch against the clip.
    """

    kept: float | None
    took: float
    parts: dict[str, float] = field(default_factory=dict)
    true: float | None = None
    distance: float | None = None
    steady: float | None = None
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
        kept=None if kept is None else _decibel(frames, truth.clip, kept),
        took=round(float(np.all(list(shown.values()), axis=0).mean()), 4),
        parts={part: round(float(np.mean(there)), 4) for part, there in shown.items()},
        true=None if ideal is None else _decibel(frames, ideal),
        distance=None if ideal is None else round(gmsd(frames, ideal), 4),
        steady=round(unsteadiness(frames, truth.poses) / unsteadiness(ceiling, truth.poses), 3),
        rebuilt=None if source is None else _decibel(source, truth.clip),
    )


def _decibel(first: np.ndarray, second: np.ndarray, kept: np.ndarray | None = None) -> float | None:
    """None where no pixel is kept: the objects cover every frame."""
    found = psnr(first, second, kept)
    return None if found is None else round(min(found, _MOST), 3)
