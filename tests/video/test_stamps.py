"""Time stamps that are missing, negative, doubled or out of order: every frame is read, in order, at its time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.makers import grey_levels, levels, ramp_frames
from vp2p.settings import ClipSettings
from vp2p.video.reading import read_clip
from vp2p.video.stamps import best_stamps, filled

ALL = ClipSettings(frames="all")


def encoded(codec: str, options: dict[str, str] | None = None) -> tuple[list[bytes], list[int], bytes]:
    """The packets of a clip of ten greys, their stamps of presentation, and the codec's own data."""
    with av.open("/dev/null", "w", format="null") as output:
        stream = output.add_stream(codec, rate=10, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for index, pixels in enumerate(ramp_frames(10)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        return [bytes(p) for p in packets], [p.pts for p in packets], bytes(stream.codec_context.extradata or b"")


def avi(folder: Path) -> Path:
    path = folder / "clip.avi"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"bf": "3", "b_strategy": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index, pixels in enumerate(ramp_frames(10)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def bare(folder: Path) -> Path:
    path = folder / "clip.h264"
    path.write_bytes(b"".join(encoded("libx264", {"bf": "2"})[0]))
    return path


def test_frames_come_in_order_from_a_container_without_times_of_presentation(tmp_path: Path) -> None:
    path = avi(tmp_path)
    clip = read_clip(path, ALL)
    assert levels(clip.frames) == pytest.approx(grey_levels(10), abs=4)
    assert clip.times == pytest.approx(np.arange(10) / 10) and clip.rate == 10 and clip.shown is None
    assert levels(read_clip(path, ClipSettings(frames=2)).frames) == pytest.approx(
        [grey_levels(10)[0], grey_levels(10)[5]], abs=4
    )


def timed(path: Path, times: list[int]) -> Path:
    """A clip of ten greys, or as many as there are times in milliseconds."""
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output:
        stream = output.add_stream("libx264", rate=10, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.colorspace = 5
        packets = []
        for index, pixels in enumerate(ramp_frames(len(times))):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            packets += stream.encode(frame)
        for time, packet in zip(times, packets + stream.encode(None)):
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = time
            output.mux(packet)
    return path


def even(folder: Path) -> Path:
    return timed(folder / "clip.mkv", [100 * index for index in range(10)])


def uneven(folder: Path) -> Path:
    return timed(folder / "clip.mkv", [0, 40, 80, 120, 1600])


def negative(folder: Path) -> Path:
    return timed(folder / "clip.mkv", [100 * index - 500 for index in range(10)])


@pytest.mark.parametrize("start", [-500, -40, 0, 90_000])
def test_a_clip_may_begin_at_any_time(tmp_path: Path, start: int) -> None:
    path = timed(tmp_path / "clip.mkv", [100 * index + start for index in range(10)])
    clip = read_clip(path, ALL)
    assert levels(clip.frames) == pytest.approx(grey_levels(10), abs=4)
    assert clip.times == pytest.approx(np.arange(10) / 10, abs=2e-3) and clip.shown is None


def test_a_bare_stream_plays_at_its_own_rate(tmp_path: Path) -> None:
    clip = read_clip(bare(tmp_path), ALL)
    assert len(clip.frames) == 10 and clip.rate == 10
    assert levels(clip.frames) == pytest.approx(grey_levels(10), abs=4)


def test_stamps_that_are_missing_or_run_back_are_put_between_their_neighbours() -> None:
    assert filled([0, None, None, 30], 10).tolist() == [0, 10, 20, 30]
    assert filled([None, None, 20, 30], 10).tolist() == [0, 10, 20, 30]
    assert filled([0, 10, None, None], 10).tolist() == [0, 10, 20, 30]
    assert filled([0, 10, 10, 30], 10).tolist() == [0, 10, 20, 30]
    assert filled([None, None], 10).tolist() == [0, 10]
    assert filled([-20, -10, 0, 10], 10).tolist() == [-20, -10, 0, 10]


def test_the_stamps_that_run_back_less_often_count() -> None:
    assert best_stamps([1, 2, 4, 3], [2, 3, 4, 5]) == [2, 3, 4, 5]
    assert best_stamps([1, 2, 4, 3], [2, 3, 4, 5], start=0) == [0, 1, 2, 3]
    assert best_stamps([1, 2, 3], [1, 1, 1]) == [1, 2, 3]
    assert best_stamps([1, 2, 3], [None, None, None]) == [1, 2, 3]
