"""The work of one process of a bench: case after case by every method, with one model in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

import numpy as np

from vp2p.batch.pool import Pool
from vp2p.bench.cases import Case
from vp2p.bench.files import strip_path, write_strip
from vp2p.bench.methods import Method
from vp2p.bench.results import Result, ScoreFile
from vp2p.bench.running import Outcome, run
from vp2p.bench.scores import score
from vp2p.bench.truth import Truth, truth
from vp2p.errors import Vp2pError
from vp2p.sprites.pose_judge import PoseJudge


@dataclass(frozen=True)
class Failed:
    """A case that a method could not do, why, and what to do about it."""

    case: str
    method: str
    cause: str
    hint: str


class Worker:
    """Runs and scores cases in ``out``; its model and its judge are made once, and only when needed."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._pool = Pool()
        self._scores = ScoreFile(out / "scores.jsonl")
        self._judge: PoseJudge | None = None
        self._by_vae: dict[tuple[str, str], tuple[np.ndarray, np.ndarray]] = {}

    def do(self, case: Case, methods: Sequence[Method]) -> Iterator[Result | Failed]:
        """A case by each method that applies to it, in turn; what is known already is not done again."""
        known = truth(case)
        for method in methods:
            if method.of != "edit" and known.ideal is None:
                continue
            try:
                yield self._one(case, known, method)
            except Vp2pError as error:
                yield Failed(case.id, method.name, error.cause, error.hint)

    def _one(self, case: Case, known: Truth, method: Method) -> Result:
        outcome = run(self._out / "cases", self._pool, case, known, method)
        kept = self._scores.get(case.id, method.name, outcome.identity)
        if kept and strip_path(self._out, case.id, method.name).exists():
            return kept
        return self._score(case, known, method, outcome)

    def _score(self, case: Case, known: Truth, method: Method, outcome: Outcome) -> Result:
        self._judge = self._judge or PoseJudge()
        edited, source = outcome.clips()
        unedited, ceiling = self._through_vae(case, known, outcome)
        result = Result(
            case.id, method.name, outcome.identity, score(case, known, edited, source, unedited, ceiling, self._judge)
        )
        strips = {method.name: edited, "clip": known.clip} | ({} if known.ideal is None else {"ideal": known.ideal})
        for name, frames in strips.items():
            write_strip(strip_path(self._out, case.id, name), frames)
        self._scores.add(result)
        return result

    def _through_vae(self, case: Case, known: Truth, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """The clip and the ideal (where there is none, the clip again), the same for all methods of one model."""
        key = case.id, outcome.model
        if key not in self._by_vae:
            clip = outcome.by_vae(known.clip)
            self._by_vae = {key: (clip, clip if known.ideal is None else outcome.by_vae(known.ideal))}
        return self._by_vae[key]
