"""Frames and sounds that the video tests make their clips of."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np


def grey_levels(count: int) -> list[int]:
    """A different brightness for each frame, far enough apart to survive a lossy codec."""
    return [20 + index * 200 // max(count - 1, 1) for index in range(count)]


def ramp_frames(count: int, width: int = 64, height: int = 48) -> np.ndarray:
    """uint8 frames (F, H, W, 3), each of one grey."""
    frames = np.empty((count, height, width, 3), dtype=np.uint8)
    frames[:] = np.array(grey_levels(count), dtype=np.uint8)[:, None, None, None]
    return frames


def levels(frames: np.ndarray) -> list[float]:
    """The mean brightness of each frame."""
    return frames.reshape(len(frames), -1).mean(axis=1).tolist()


def tone(stream: av.AudioStream, seconds: float) -> list[av.Packet]:
    """A tone that rises, so that no two packets are alike; silent for the first half second."""
    t = np.arange(int(seconds * 48000)) / 48000
    wave = (0.5 * np.sin(2 * np.pi * (300 + 200 * t) * t) * (t >= 0.5)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([wave, wave]), format="fltp", layout="stereo")
    frame.sample_rate = 48000
    frame.pts = 0
    frame.time_base = Fraction(1, 48000)
    if stream.codec_context.name.startswith("pcm"):
        return stream.encode(av.AudioResampler("s16", "stereo", 48000).resample(frame)[0]) + stream.encode(None)
    return stream.encode(frame) + stream.encode(None)
