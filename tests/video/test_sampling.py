"""Which frames are chosen from presentation times."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings
from vp2p.video.sampling import Timeline, choose


def steady(count: int, rate: int = 10) -> Timeline:
    return Timeline(np.arange(count) / rate, count / rate, Fraction(rate))


# Ten frames in the first second, one that stays for four, five in the last half second.
UNEVEN = Timeline(np.concatenate([np.arange(10) / 10, [1.0], 5 + np.arange(5) / 10]), 5.5, Fraction(16 * 2, 11))


def test_frames_are_spread_evenly_and_play_for_the_whole_span() -> None:
    sampling = choose(steady(80), ClipSettings(frames=8))
    assert sampling.indices == (0, 10, 20, 30, 40, 50, 60, 70)
    assert (sampling.rate, sampling.start, sampling.end, sampling.total) == (1, 0.0, 8.0, 80)


def test_every_frame_keeps_the_nominal_rate() -> None:
    ntsc = Fraction(30000, 1001)
    line = Timeline(np.round(np.arange(90) / float(ntsc), 3), 3.003, ntsc)  # times rounded as Matroska does
    sampling = choose(line, ClipSettings(frames="all"))
    assert sampling.indices == tuple(range(90))
    assert sampling.rate == ntsc


def test_spread_takes_what_is_on_the_screen() -> None:
    sampling = choose(UNEVEN, ClipSettings(frames=4))
    # Shares of the span start at 0, 1.375, 2.75 and 4.125 seconds; frame 10 is on the screen from 1 to 5.
    assert sampling.indices == (0, 10, 10, 10)
    assert sampling.rate == Fraction(8, 11)
    assert sampling.notes == ("2 frames repeat the one before, because the clip holds it for that long",)


@pytest.mark.parametrize("count", range(1, 56))
def test_every_frame_of_a_spread_is_the_last_at_or_before_its_time(count: int) -> None:
    sampling = choose(UNEVEN, ClipSettings(frames=count))
    for place, index in enumerate(sampling.indices):
        target = 5.5 * place / count
        after = UNEVEN.times[index + 1] if index < 15 else 5.5
        assert UNEVEN.times[index] <= target + 1e-3 < after + 1e-3


def test_more_frames_than_the_screen_shows_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        choose(UNEVEN, ClipSettings(frames=56))
    assert caught.value.hint == "--frames 55, or --frames all"


def test_every_frame_of_uneven_times_keeps_its_time() -> None:
    sampling = choose(UNEVEN, ClipSettings(frames="all"))
    assert sampling.indices == tuple(range(16))
    assert sampling.shown == pytest.approx(UNEVEN.times.tolist())
    assert (sampling.start, sampling.end) == (0.0, 5.5) and "uneven" in sampling.notes[0]
    third = choose(UNEVEN, ClipSettings(frames=4, stride=3))
    assert third.indices == (0, 3, 6, 9) and third.shown is None and third.end == pytest.approx(1.2)
    assert choose(UNEVEN, ClipSettings(frames=5, stride=3)).shown == pytest.approx((0, 0.3, 0.6, 0.9, 5.1))


def test_a_start_within_a_held_frame_shows_it_from_there() -> None:
    sampling = choose(UNEVEN, ClipSettings(frames="all", start=2.0, end=5.2))
    assert sampling.indices == (10, 11, 12)
    assert (sampling.start, sampling.end) == (2.0, 5.2) and sampling.shown == pytest.approx((0, 3.0, 3.1))


def test_a_last_frame_that_stays_keeps_its_time() -> None:
    line = Timeline(np.arange(10) / 10, 4.0, Fraction(10))
    sampling = choose(line, ClipSettings(frames="all"))
    assert sampling.end == 4.0 and sampling.shown is not None


def test_times_that_are_off_by_little_play_at_one_rate() -> None:
    line = Timeline(np.arange(10) / 10 + np.array([0, 1, -1, 2, 0, -2, 1, 0, 2, 0]) / 100, 1.0, Fraction(10))
    assert choose(line, ClipSettings(frames="all")).shown is None


def test_start_and_end_bound_the_frames() -> None:
    sampling = choose(steady(80), ClipSettings(frames="all", start=2.0, end=3.0))
    assert sampling.indices == tuple(range(20, 30))
    assert (sampling.start, sampling.end, sampling.total) == (2.0, 3.0, 10)


def test_an_end_past_the_clip_means_its_end() -> None:
    sampling = choose(steady(10), ClipSettings(frames=5, end=99.0))
    assert sampling.end == 1.0
    assert sampling.indices == (0, 2, 4, 6, 8)


def test_fps_takes_the_frame_on_the_screen_at_each_point() -> None:
    line = Timeline(np.arange(30) / 30, 1.0, Fraction(30))
    sampling = choose(line, ClipSettings(frames="all", fps=12.0))
    assert sampling.rate == 12
    assert sampling.indices == (0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27)
    assert choose(line, ClipSettings(frames="all", fps=8.0)).indices == (0, 3, 7, 11, 15, 18, 22, 26)


def test_fps_repeats_what_is_held() -> None:
    sampling = choose(UNEVEN, ClipSettings(frames="all", fps=2.0))
    assert sampling.indices == (0, 5, 10, 10, 10, 10, 10, 10, 10, 10, 11)


def test_frames_with_fps_are_the_first_of_the_grid() -> None:
    sampling = choose(steady(80), ClipSettings(frames=4, fps=2.0, start=1.0))
    assert sampling.indices == (10, 15, 20, 25)
    assert (sampling.rate, sampling.start, sampling.end) == (2, 1.0, 3.0)


def test_frames_with_stride_are_the_first_of_the_grid() -> None:
    sampling = choose(steady(80), ClipSettings(frames=8, stride=4))
    assert sampling.indices == (0, 4, 8, 12, 16, 20, 24, 28)
    assert sampling.rate == Fraction(5, 2)
    assert sampling.end == pytest.approx(3.2)


def test_a_single_frame_is_a_clip() -> None:
    line = Timeline(np.zeros(1), 0.1, Fraction(10))
    assert choose(line, ClipSettings(frames="all")).indices == (0,)
    assert choose(line, ClipSettings(frames=1)).rate == 10


@pytest.mark.parametrize(
    ("settings", "there_are"),
    [
        (ClipSettings(frames=20), 10),
        (ClipSettings(frames=8, stride=3), 4),
        (ClipSettings(frames=8, fps=5.0), 5),
        (ClipSettings(frames=8, start=0.5), 5),
    ],
)
def test_too_many_frames_says_how_many_there_are(settings: ClipSettings, there_are: int) -> None:
    with pytest.raises(UsageError) as caught:
        choose(steady(10), settings, "dog.mp4")
    assert f"--frames {settings.frames}" in caught.value.cause and "dog.mp4" in caught.value.cause
    assert f"{there_are} frames" in caught.value.cause
    assert caught.value.hint.startswith(f"--frames {there_are},")
    assert choose(steady(10), type(settings)(**{**settings.__dict__, "frames": there_are}))


def test_fps_above_the_clip_is_refused_with_what_it_has() -> None:
    with pytest.raises(UsageError) as caught:
        choose(steady(10), ClipSettings(frames="all", fps=30.0))
    assert "10 frames in 1.00 seconds" in caught.value.cause
    assert caught.value.hint == "--fps 10 or less"


def test_start_after_the_clip_is_refused_with_its_length() -> None:
    with pytest.raises(UsageError) as caught:
        choose(steady(10), ClipSettings(start=5.0), "dog.mp4")
    assert "--start 5 is after the end of dog.mp4, which lasts 1.00 seconds" in caught.value.cause


def test_a_span_between_two_frames_shows_the_one_before() -> None:
    sampling = choose(steady(10), ClipSettings(frames=1, start=0.12, end=0.18))
    assert sampling.indices == (1,) and sampling.start == pytest.approx(0.1)
