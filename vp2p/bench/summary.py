"""The scores of many cases as one figure for each method, and the differences that the paper claims."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from itertools import product
from typing import Iterable, Mapping, Sequence

from vp2p.bench.cases import Case
from vp2p.bench.results import Result
from vp2p.bench.scores import SCORES


@dataclass(frozen=True)
class Row:
    """A method's figures over ``cases`` cases; ``took_by_kind`` has the share for each kind of edit."""

    method: str
    cases: int
    scores: Mapping[str, float | None]
    took_by_kind: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """By how much a method is better than another in a score, over the cases that both have.

    ``better`` is the mean difference, positive where the claim holds; ``error`` its standard error.
    """

    claim: str
    score: str
    better: float
    error: float
    cases: int


def rows(results: Sequence[Result], cases: Mapping[str, Case], split: str | None = None) -> list[Row]:
    """One row for each method, over one split or all cases. Scores are means, ratios medians."""
    found = [result for result in results if split in (None, cases[result.case].split)]
    kinds = dict.fromkeys(case.kind for case in cases.values())
    made = []
    for method in dict.fromkeys(result.method for result in found):
        mine = [result for result in found if result.method == method]
        by_kind = {kind: _mean(r.scores.took for r in mine if cases[r.case].kind == kind) for kind in kinds}
        made.append(
            Row(
                method,
                len(mine),
                {name: _figure(name, (getattr(result.scores, name) for result in mine)) for name in SCORES},
                {kind: share for kind, share in by_kind.items() if share is not None},
            )
        )
    return made


_RIVALS = ("image-p2p", "tune-a-video", "dreamix")
_CLAIMS = (
    ("a shared null embedding rebuilds the clip better than Tune-A-Video + DDIM", "rebuilt", "paper", "tune-a-video"),
    ("one embedding a frame rebuilds it better still (the paper: 0.2 dB)", "rebuilt", "per-frame", "paper"),
    ("decoupled guidance takes more often than the optimised embedding alone", "took", "paper", "optimised"),
    ("decoupled guidance keeps more than the empty prompt's embedding alone", "kept", "paper", "empty"),
    *(
        (f"Video-P2P leads {rival} in {name}", name, "paper", rival)
        for name, rival in product(("kept", "true", "steady"), _RIVALS)
    ),
)


def claims(results: Iterable[Result]) -> list[Comparison]:
    """What the paper claims of its methods, as measured here; claims whose methods were not run are left out."""
    scores = {result.key: result.scores for result in results}
    found = []
    for claim, name, method, rival in _CLAIMS:
        sign = -1 if SCORES[name].better == "lower" else 1
        pairs = [
            (getattr(mine, name), getattr(scores[case, rival], name))
            for (case, of), mine in scores.items()
            if of == method and (case, rival) in scores
        ]
        differences = [sign * (mine - theirs) for mine, theirs in pairs if mine is not None and theirs is not None]
        if differences:
            spread = statistics.stdev(differences) if len(differences) > 1 else math.nan
            better, error = statistics.fmean(differences), spread / math.sqrt(len(differences))
            found.append(Comparison(claim, name, better, error, len(differences)))
    return found


def _figure(name: str, values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return statistics.median(there) if name in ("steady", "along") and there else _mean(there)


def _mean(values: Iterable[float]) -> float | None:
    there = list(values)
    return statistics.fmean(there) if there else None
