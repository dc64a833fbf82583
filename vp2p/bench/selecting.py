"""Which cases are meant: by id, by pattern, or by split."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Sequence

from vp2p.bench.cases import Case, all_cases
from vp2p.errors import UsageError


def select(patterns: Sequence[str]) -> dict[str, Case]:
    """Cases by id, in their own order; all of them where no pattern is given.

    Args:
        patterns: ids such as ``object-07``, patterns such as ``object-0*``, ``train`` or ``held-out``.

    Raises:
        UsageError: a pattern fits no case.
    """
    cases = all_cases()
    for pattern in patterns:
        if not any(_fits(case, pattern) for case in cases):
            kinds = ", ".join(dict.fromkeys(f"{case.kind}-*" for case in cases))
            raise UsageError(f"No case fits {pattern!r}.", f"give train, held-out, or one of: {kinds}")
    return {case.id: case for case in cases if not patterns or any(_fits(case, pattern) for pattern in patterns)}


def _fits(case: Case, pattern: str) -> bool:
    return pattern == case.split or fnmatchcase(case.id, pattern)
