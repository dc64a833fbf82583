"""Clicks and flashes at known times, through every container, start and rate: sound and picture stay together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vp2p.settings import ClipSettings
from vp2p.video.reading import read_clip
from vp2p.video.writing import write_video

RATE, SOUND_RATE, SECONDS = 20, 44100, 4
# When the picture flashes and the sound clicks, in seconds.
BEATS = (0.4, 1.2, 1.8, 2.4, 3.0, 3.6)
CONTAINERS = [
    ("clip.mp4", "libx264", "aac"),
    ("clip.mov", "libx264", "pcm_s16le"),
    ("clip.mkv", "libx264", "libopus"),
    ("clip.mkv", "libx264", "flac"),
    ("clip.webm", "libvpx", "libopus"),
    ("clip.flv", "flv", "libmp3lame"),
    ("clip.flv", "libx264", "aac"),
    ("clip.avi", "libx264", "aac"),
    ("clip.avi", "mpeg4", "pcm_s16le"),
    ("clip.ts", "libx264", "aac"),
    ("clip.mpg", "mpeg2video", "mp2"),
    ("clip.asf", "mpeg4", "wmav2"),
    ("clip.3gp", "mpeg4", "aac"),
    ("clip.nut", "mpeg4", "pcm_s16le"),
]


def beating(path: Path, video: str, audio: str) -> Path:
    """A clip that flashes and clicks at the beats."""
    with av.open(str(path), "w") as output:
        rate = 25 if video == "mpeg2video" else RATE
        pictures = output.add_stream(video, rate=rate)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound_rate = 48000 if audio == "libopus" else SOUND_RATE
        sound = output.add_stream(audio, rate=sound_rate)
        sound.codec_context.layout, sound.bit_rate = "stereo", 128_000
        packets = []
        for index in range(SECONDS * rate):
            lit = any(abs(index / rate - beat) < 0.5 / rate + 1e-9 for beat in BEATS)
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 255 if lit else 0, np.uint8), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            packets += pictures.encode(frame)
        packets += pictures.encode(None)
        wave = np.zeros((2, SECONDS * sound_rate), np.float32)
        for beat in BEATS:
            at = round(beat * sound_rate)
            wave[:, at : at + 441] = 0.8 * np.sin(np.arange(441) / 4)
        clicks = av.AudioFrame.from_ndarray(wave, "fltp", "stereo")
        clicks.sample_rate, clicks.pts, clicks.time_base = sound_rate, 0, Fraction(1, sound_rate)
        resampler = av.AudioResampler(sound.codec_context.format.name, "stereo", sound_rate)
        for part in resampler.resample(clicks):
            packets += sound.encode(part)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def heard(path: Path) -> tuple[list[float], float]:
    """When each click begins in a written clip, in seconds after the first picture; and when the sound ends."""
    with av.open(str(path)) as container:
        origin = container.streams.video[0].start_time * container.streams.video[0].time_base
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        resampler = av.AudioResampler("fltp", "mono", rate)
        times, end = [], 0.0
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                start = end if part.pts is None else float(part.pts * part.time_base - origin)
                times += (start + np.flatnonzero(np.abs(part.to_ndarray()[0]) > 0.25) / rate).tolist()
                end = start + part.samples / rate
    clicks = [time for before, time in zip([-1.0, *times], times) if time - before > 0.1]
    return [time for time in clicks if time >= 0], end


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], Path]:
    root = tmp_path_factory.mktemp("beats")
    made = {}
    for number, (name, video, audio) in enumerate(CONTAINERS):
        folder = root / str(number)
        folder.mkdir()
        made[name, video, audio] = beating(folder / name, video, audio)
    return made


@pytest.mark.parametrize("start", [None, 0.3, 0.97, 2.0])
@pytest.mark.parametrize("kind", CONTAINERS, ids="-".join)
def test_clicks_are_heard_when_they_are_seen(
    clips: dict[tuple[str, str, str], Path], tmp_path: Path, kind: tuple[str, str, str], start: float | None
) -> None:
    source = clips[kind]
    clip = read_clip(source, ClipSettings(frames="all", start=start, end=3.4))
    out = tmp_path / "out.mp4"
    write_video(out, clip.frames, clip.timing, source)
    length = len(clip.frames) / float(clip.rate)
    seen = [beat - clip.start for beat in BEATS if clip.start + 0.02 < beat < clip.start + length]
    # AVI cannot say that an encoder began late, so there the source's own clicks are late by that.
    played = [time - clip.start for time in heard(source)[0] if clip.start + 0.02 < time < clip.start + length]
    lit = np.flatnonzero(clip.frames.mean((1, 2, 3)) > 127) / float(clip.rate)
    clicks, end = heard(out)
    assert clicks == pytest.approx(played, abs=0.004)
    assert clicks == pytest.approx(seen, abs=0.03)
    assert [time for time in lit if time > 0.02] == pytest.approx(seen, abs=0.5 / RATE)
    assert end == pytest.approx(length, abs=1 / RATE)
