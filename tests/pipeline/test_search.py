"""Where no candidate of a key frame is what the new words say, those of the next one are tried."""

from __future__ import annotations

from typing import Generator

import pytest
import torch

from vp2p.compositing.foreground import Foreground
from vp2p.pipeline.search import Version, good_version


def _shown(frame: int) -> Foreground:
    nothing = torch.zeros(8, 8)
    return Foreground(frame, nothing.expand(3, 8, 8), nothing, nothing.expand(3, 8, 8), 0.0, nothing > 0)


@pytest.mark.parametrize(
    ("told", "enough", "frames", "tried", "kept"),
    [
        ((0.9, 0.0), 0.5, [4, 2, 7], [4], 4),
        ((0.3, 0.8), 0.5, [4, 2, 7], [4, 2], 2),
        ((0.3, 0.1), 0.5, [4, 2, 7], [4, 2], 4),
        ((0.3, 0.0), 0.5, [4], [4], 4),
        ((-0.1, 0.0), -0.2, [4, 2], [4], 4),  # the clip's own object is told no better
    ],
    ids=["a good one", "the next is better", "the next is worse", "no other key frame", "words that tell nothing"],
)
def test_the_next_key_frame_is_tried_where_the_words_hardly_tell_the_first(told, enough, frames, tried, kept) -> None:
    asked: list[int] = []

    def versions(frame: int) -> Generator[str, None, Version]:
        asked.append(frame)
        yield f"a pass of frame {frame}"
        return Version([_shown(frame)], told[frames.index(frame)], enough)

    version, passes = _ended(good_version(versions, frames))
    assert passes == [f"a pass of frame {frame}" for frame in tried]
    assert asked == tried and version.foregrounds[0].frame == kept


def _ended(search: Generator[str, None, Version]) -> tuple[Version, list[str]]:
    passes = []
    while True:
        try:
            passes.append(next(search))
        except StopIteration as ended:
            return ended.value, passes
