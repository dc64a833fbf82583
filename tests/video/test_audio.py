"""The source's sound in the written MP4: copied, in step, or turned into AAC with a note."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Callable

import av
import numpy as np
import pytest

from tests.video.makers import ramp_frames
from vp2p.settings import ClipSettings
from vp2p.video.reading import read_clip
from vp2p.video.timing import Timing
from vp2p.video.writing import write_video

MakeVideo = Callable[..., Path]


def audio_packets(path: Path) -> list[tuple[float, str]]:
    """When each packet of sound starts, in seconds since the first video frame, and its bytes' digest."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        packets = [packet for packet in container.demux(video, audio) if packet.size]
        origin = min(float(p.pts * p.time_base) for p in packets if p.stream is video)
        return [
            (float(p.pts * p.time_base) - origin, hashlib.sha256(bytes(p)).hexdigest())
            for p in packets
            if p.stream is audio
        ]


def loudness(path: Path) -> tuple[np.ndarray, int]:
    """The sound as samples (n,), placed by its time stamps since the first video frame, and its rate."""
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].codec_context.sample_rate
        resampler = av.AudioResampler("fltp", "mono", rate)
        wave = np.zeros(rate * 20, dtype=np.float32)
        for frame in container.decode(container.streams.audio[0]):
            for part in resampler.resample(frame):
                first = round(float(part.pts * part.time_base) * rate)
                samples = part.to_ndarray()[0]
                skip = max(0, -first)
                wave[first + skip : first + len(samples)] = samples[skip:]
    return wave, rate


def first_sound(path: Path) -> float:
    """When the first sound is heard, in seconds."""
    wave, rate = loudness(path)
    return int(np.argmax(np.abs(wave) > 0.1)) / rate


@pytest.mark.parametrize(("name", "codec"), [("clip.mp4", "aac"), ("clip.mkv", "libopus"), ("clip.mkv", "flac")])
def test_packets_of_the_span_are_copied_in_step(make_video: MakeVideo, tmp_path: Path, name: str, codec: str) -> None:
    source = make_video(name, frames=ramp_frames(40), audio=codec)
    clip = read_clip(source, ClipSettings(frames="all", start=1.0, end=2.5))
    out = tmp_path / "out.mp4"
    assert write_video(out, clip.frames, clip.timing, source) == ()
    there = audio_packets(source)
    copied = audio_packets(out)
    digests = [digest for _, digest in there]
    first = digests.index(copied[0][1])
    assert [digest for _, digest in copied] == digests[first : first + len(copied)]
    for (before, _), (after, _) in zip(there[first:], copied):
        assert after == pytest.approx(before - 1.0, abs=2e-3)
    # All the sound of the span is there: from a packet that reaches over the start to one that reaches its end.
    assert copied[0][0] <= 0.0 < copied[1][0] + 1e-3
    packet_length = there[10][0] - there[9][0]
    assert 1.5 - packet_length - 2e-3 <= copied[-1][0] < 1.5


def test_the_whole_clip_keeps_the_whole_sound(make_video: MakeVideo, tmp_path: Path) -> None:
    source = make_video(frames=ramp_frames(20), audio="aac")
    clip = read_clip(source, ClipSettings(frames=5))  # fewer frames over the same time
    out = tmp_path / "out.mp4"
    write_video(out, clip.frames, clip.timing, source)
    kept = [digest for _, digest in audio_packets(out)]
    assert kept == [digest for _, digest in audio_packets(source)][: len(kept)]
    assert len(audio_packets(source)) - len(kept) <= 1  # one may begin after the last frame has gone
    assert first_sound(out) == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("name", "codec"), [("clip.mkv", "pcm_s16le"), ("clip.mkv", "ac3")])
def test_sound_that_browsers_do_not_play_becomes_aac(
    make_video: MakeVideo, tmp_path: Path, name: str, codec: str
) -> None:
    source = make_video(name, frames=ramp_frames(20), audio=codec)
    out = tmp_path / "out.mp4"
    clip = read_clip(source, ClipSettings(frames="all", start=0.3, end=1.5))
    notes = write_video(out, clip.frames, clip.timing, source)
    assert notes == (f"sound turned from {codec} into aac, which players of MP4 know",)
    assert first_sound(out) == pytest.approx(0.2, abs=0.005)
    wave, rate = loudness(out)
    heard = np.flatnonzero(np.abs(wave) > 0.1) / rate
    assert heard[-1] == pytest.approx(1.2, abs=0.03)


def test_sound_from_a_transport_stream_that_starts_late(make_video: MakeVideo, tmp_path: Path) -> None:
    source = make_video("clip.ts", frames=ramp_frames(20), audio="aac")
    clip = read_clip(source, ClipSettings(frames="all", start=0.2, end=1.2))
    out = tmp_path / "out.mp4"
    assert write_video(out, clip.frames, clip.timing, source) == ()
    assert first_sound(out) == pytest.approx(0.3, abs=0.03)


def test_no_sound_is_no_note_and_a_lost_source_is_one(make_video: MakeVideo, tmp_path: Path) -> None:
    silent = make_video()
    out = tmp_path / "out.mp4"
    assert write_video(out, ramp_frames(3), Timing(Fraction(8), (0.0, 1.0)), silent) == ()
    lost = tmp_path / "gone.mp4"
    assert write_video(out, ramp_frames(3), Timing(Fraction(8), (0.0, 1.0)), lost) == (
        f"no sound: {lost} is not a file",
    )
    with av.open(str(out)) as container:
        assert not container.streams.audio


def test_formats_without_sound_say_so(make_video: MakeVideo, tmp_path: Path) -> None:
    source = make_video(audio="aac")
    notes = write_video(tmp_path / "out.gif", ramp_frames(3), Timing(Fraction(8), (0.0, 1.0)), source)
    assert notes == ("no sound: gif holds none",)
    silent = make_video("silent.mp4")
    assert write_video(tmp_path / "out.gif", ramp_frames(3), Timing(Fraction(8), (0.0, 1.0)), silent) == ()


def test_a_span_after_the_sound_has_none(make_video: MakeVideo, tmp_path: Path) -> None:
    for name, codec in (("a.mkv", "pcm_s16le"), ("b.mp4", "aac")):
        source = make_video(name, frames=ramp_frames(10), audio=codec)
        out = tmp_path / "late.mp4"
        write_video(out, ramp_frames(3), Timing(Fraction(8), (5.0, 6.0)), source)
        assert len(read_clip(out, ClipSettings(frames="all")).frames) == 3


def test_the_sound_of_a_real_clip(shared_clips: Path, tmp_path: Path) -> None:
    source = shared_clips / "rabbit-watermelon.mp4"
    clip = read_clip(source, ClipSettings(frames=8, start=2.0, end=4.0))
    out = tmp_path / "out.mp4"
    write_video(out, clip.frames[:, ::4, ::4], clip.timing, source)
    there = {digest for _, digest in audio_packets(source)}
    copied = audio_packets(out)
    assert 90 <= len(copied) <= 97 and all(digest in there for _, digest in copied)
