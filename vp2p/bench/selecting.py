"""Which cases are meant: by id, by pattern, by split, or by half."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Sequence

from vp2p.bench.bending import bending_cases
from vp2p.bench.cases import Case, all_cases
from vp2p.errors import UsageError

_FURTHER = re.compile(r"bend([1-9]\d{0,3})-")


def select(patterns: Sequence[str]) -> dict[str, Case]:
    """Cases by id, in their own order; all of them where no pattern is given.

    Args:
        patterns: ids such as ``object-07``, patterns such as ``bend-*``, a split (``train`` or ``held-out``), a half
            (``stiff`` or ``bending``), or both, such as ``bending/train``. ``bend1-*``, ``bend2-*`` and so on are other
            drawings of the bending half, which are no part of the benchmark.

    Raises:
        UsageError: a pattern fits no case.
    """
    drawings = sorted({int(found[1]) for pattern in patterns if (found := _FURTHER.match(pattern))})
    further = [case for drawing in drawings for case in bending_cases(drawing)]
    cases = (*all_cases(), *bending_cases(), *further)
    for pattern in patterns:
        if not any(_fits(case, pattern) for case in cases):
            kinds = ", ".join(dict.fromkeys(f"{case.id[:-3]}-*" for case in cases))
            raise UsageError(
                f"No case fits {pattern!r}.",
                f"give train, held-out, stiff, bending, bending/train or the like, or one of: {kinds}",
            )
    return {case.id: case for case in cases if not patterns or any(_fits(case, pattern) for pattern in patterns)}


def _fits(case: Case, pattern: str) -> bool:
    if _FURTHER.match(case.id):
        return fnmatchcase(case.id, pattern)
    return pattern in (case.split, case.half, f"{case.half}/{case.split}") or fnmatchcase(case.id, pattern)
