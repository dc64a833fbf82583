"""The numbers that a setting may have, and those that completion offers."""

from __future__ import annotations

import math

import pytest

from vp2p.limits import Limits


@pytest.mark.parametrize(
    "limits, told, inside, outside",
    [
        (Limits(0, 1), "between 0 and 1", (0, 0.5, 1.0), (-0.1, 1.1, math.nan, "auto")),
        (Limits(0, 1, above=True), "more than 0, at most 1", (1e-9, 1), (0, 2)),
        (Limits(0, 1, below=True), "0 or more, and less than 1", (0, 0.99), (1, -1)),
        (Limits(0, above=True), "more than 0", (1e-9, 1e9), (0, -1)),
        (Limits(4), "4 or more", (4, 500), (3,)),
        (Limits(1, words=("all",)), "1 or more, or all", (1, "all"), (0, "1", "some")),
    ],
)
def test_what_is_allowed(limits: Limits, told: str, inside: tuple[object, ...], outside: tuple[object, ...]) -> None:
    assert str(limits) == told
    assert all(map(limits.allow, inside)) and not any(map(limits.allow, outside))


@pytest.mark.parametrize(
    "limits, default, whole, values",
    [
        (Limits(0, above=True), 3e-5, False, ["3e-05", "1e-05", "2e-05", "5e-05", "0.0001"]),
        (Limits(0, 1), 0.0, False, ["0", "0.5", "1"]),
        (Limits(0, 2**32 - 1), None, True, ["1", "2", "5", "10"]),
        (Limits(4), 24, True, ["24", "10", "20", "50", "100"]),
        (Limits(0, words=("auto",), usual=200), "auto", True, ["auto", "50", "100", "200", "500", "1000"]),
    ],
)
def test_what_to_try(limits: Limits, default: object, whole: bool, values: list[str]) -> None:
    assert limits.some(default, whole) == values
    assert all(limits.allow(float(value)) for value in values if value not in limits.words)
