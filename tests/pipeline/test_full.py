"""In which order the frames between edited ones are made, and whether they read as those did."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.video import test_colour as colour
from vp2p.pipeline.full import SampledEdit, levels, same_colours, save_full
from vp2p.settings import ClipSettings
from vp2p.video.reading import SpanFrames, read_clip
from vp2p.video.writing import write_video


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


def test_colours_that_are_read_in_another_way_are_noticed(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), np.uint8)
    write_video(tmp_path / "clip.mp4", frames, Fraction(8))
    settings = ClipSettings(frames=2)
    read = read_clip(tmp_path / "clip.mp4", settings).frames
    span = SpanFrames(tmp_path / "clip.mp4", settings)
    assert same_colours(span, SampledEdit(read, read, None, "crop", False))
    other = (255 * (read / 255) ** 1.1).astype(np.uint8)
    assert not same_colours(span, SampledEdit(other, other, None, "crop", False))


def test_an_edit_of_hdr_is_laid_over_what_was_tone_mapped(tmp_path: Path) -> None:
    source, settings = tmp_path / "clip.mp4", ClipSettings(frames=2)
    read = colour.clip_of(source, colour.pq(colour.light() @ colour.TO_BT2020.T * 600), 9, colour.HDR).frames
    edited, mask = read.copy(), np.zeros(read.shape[:3], np.float32)
    edited[:, 8:32, 40:64] = 255 - edited[:, 8:32, 40:64]
    mask[:, 8:32, 40:64] = 1
    made = tmp_path / "full.mp4"
    (note,) = save_full(made, SampledEdit(read, edited, mask, "stretch", False), (source, settings))
    assert "what is written is SDR" in note
    frames, original = (read_clip(one, ClipSettings("all")) for one in (made, source))
    assert frames.notes == () and len(frames.frames) == 4
    apart = np.abs(frames.frames.astype(int) - original.frames)
    assert apart[:, 48:, 16::32].max() < 12 < 60 < apart[0, 20, 52].max()
