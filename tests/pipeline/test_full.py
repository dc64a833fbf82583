"""In which order the frames between edited ones are made."""

from __future__ import annotations

import pytest

from vp2p.pipeline.full import levels


@pytest.mark.parametrize(
    ("sampled", "count"), [((0, 4, 8), 11), ((0,), 1), ((0, 1, 2), 3), ((0, 300), 700), ((0, 0, 5), 6), ((0,), 14)]
)
def test_every_frame_is_made_once_of_known_ones(sampled: tuple[int, ...], count: int) -> None:
    known = set(sampled)
    for level in levels(sampled, count):
        made = [place for window in level for place in window.frames]
        assert len(made) == len(set(made)) and not known & set(made)
        for window in level:
            assert window.places == tuple(sorted(window.places)) and len(window.frames) <= 12
            assert {window.before, *([window.after] if window.after else [])} <= known
        assert [window.before for window in level] == sorted(window.before for window in level)
        known |= set(made)
    assert known == set(range(count))


def test_a_wide_gap_is_filled_evenly_first() -> None:
    first, *rest = levels((0, 300), 301)
    (window,) = first
    steps = [b - a for a, b in zip(window.places, window.places[1:])]
    assert max(steps) - min(steps) <= 12 and len(rest) == 2
