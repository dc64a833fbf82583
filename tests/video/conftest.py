"""Small real clips that the video tests make for themselves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Callable, Sequence

import av
import numpy as np
import pytest

from tests.video.makers import ramp_frames, tone

SHARED_CLIPS = Path(__file__).parents[2].parent / "shared" / "clips"


@pytest.fixture(scope="session")
def shared_clips() -> Path:
    if not SHARED_CLIPS.is_dir():
        pytest.skip("the shared clips are not here")
    return SHARED_CLIPS


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a video with chosen times, codec, turning and sound."""

    def make(
        name: str = "clip.mp4",
        frames: np.ndarray | None = None,
        rate: int = 10,
        times: Sequence[Fraction] | None = None,
        codec: str = "libx264",
        pixel_format: str = "yuv420p",
        turn: tuple[float, bool] | None = None,
        audio: str | None = None,
        options: dict[str, str] | None = None,
        container_options: dict[str, str] | None = None,
    ) -> Path:
        frames = ramp_frames(10) if frames is None else frames
        path = tmp_path / name
        base = Fraction(1, 1000) if times else Fraction(1, rate)
        with av.open(str(path), "w", container_options=container_options or {}) as output:
            stream = output.add_stream(codec, rate=rate, options=options or {})
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = pixel_format
            stream.codec_context.time_base = base
            if turn is not None:
                stream.set_display_rotation(turn[0], hflip=turn[1])
            packets = []
            sound = output.add_stream(audio, rate=48000) if audio else None
            for index, pixels in enumerate(frames):
                if pixels.shape[-1] == 4:
                    frame = av.VideoFrame.from_ndarray(pixels, format="rgba")
                else:
                    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts = index if times is None else round(times[index] / base)
                frame.time_base = base
                packets += stream.encode(frame)
            packets += stream.encode(None)
            if sound is not None:
                seconds = len(frames) / rate
                packets += tone(sound, seconds)
            for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
                output.mux(packet)
        return path

    return make
