"""Clips that PyAV reads: one video stream of any container, listed by time, then decoded in a stream."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Iterator, Sequence

import av
import numpy as np
from av.stream import Disposition

from vp2p.errors import VideoError
from vp2p.video.sampling import Timeline

# FFmpeg draws text files as terminal screens, and follows playlists into other files.
_NOT_CLIPS = {"tty", "hls", "dash", "concat", "ffmetadata", "xbin", "adf", "idf", "bin"}
_EXPORT_AGAIN = "give a video file such as MP4, MOV, WebM or GIF, or a folder of images"


class StreamSource:
    """The first video stream of a container.

    Frames are known by their time stamps. Those come from the packets, which is cheap; where
    packets have none, or some do not decode, ``by_decoding`` lists what really comes out.
    """

    def __init__(self, path: Path, by_decoding: bool = False) -> None:
        self.path = path
        self._exact = by_decoding
        with opened(path) as (container, stream):
            self.codec = stream.codec_context.name
            self.audio = container.streams.audio[0].codec_context.name if container.streams.audio else None
            base = stream.time_base
            stamps = None if by_decoding else _packet_stamps(container, stream)
            rate = stream.average_rate or stream.guessed_rate
        if stamps is None:
            self._exact = True
            stamps = _frame_stamps(path)
        if not stamps:
            raise VideoError(f"No frame of {path} can be decoded.", "export the clip again, or give another one")
        self._keys = sorted(stamps)
        times = np.array([float((key - self._keys[0]) * base) for key in self._keys])
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        rate = rate or (Fraction(1 / step).limit_denominator(1001) if step > 0 else Fraction(25))
        last = stamps[self._keys[-1]] * base or 1 / rate
        self.timeline = Timeline(times, float(times[-1] + last), Fraction(rate))
        self.size = self._native_size()

    def decode(self, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Frames by index: uint8 RGB of shape (H, W, 3), turned upright.

        An index is missing from the result where the frame does not decode.
        """
        wanted = {self._keys[i]: i for i in indices}
        found: dict[int, np.ndarray] = {}
        with opened(self.path, self._exact) as (container, stream):
            if not self._exact and min(wanted) > self._keys[0]:
                with suppress(av.FFmpegError):  # some formats cannot seek; they are decoded from the start
                    container.seek(min(wanted), stream=stream)
            for key, frame in _decoded(container, stream):
                if key in wanted:
                    found[wanted[key]] = _to_rgb(frame, _square_size(frame, stream))
                    if len(found) == len(wanted):
                        break
        shapes = {image.shape for image in found.values()}
        if len(shapes) > 1:
            raise VideoError(
                f"The picture size of {self.path} changes within the clip.", "cut it with --start and --end"
            )
        return found

    def _native_size(self) -> tuple[int, int]:
        with opened(self.path) as (container, stream):
            for _, frame in _decoded(container, stream):
                height, width = _to_rgb(frame, _square_size(frame, stream)).shape[:2]
                return width, height
        raise VideoError(f"No frame of {self.path} can be decoded.", "export the clip again, or give another one")


@contextmanager
def opened(path: Path, exact: bool = False) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container and its first video stream that is not cover art.

    Decoders that work on several frames at once give now more, now fewer of a damaged file;
    ``exact`` has them work on one.

    Raises:
        VideoError: the file is not a video, or holds sound only.
    """
    try:
        # Nothing but this machine's files, whatever a container refers to.
        container = av.open(str(path.absolute()), container_options={"protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path} is not a video or an image that can be read.", _EXPORT_AGAIN) from error
    with container:
        if container.format.name in _NOT_CLIPS:
            raise VideoError(f"{path} is not a video or an image that can be read.", _EXPORT_AGAIN)
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            what = "only sound" if container.streams.audio else "no picture"
            raise VideoError(f"{path} holds {what}.", _EXPORT_AGAIN)
        if streams[0].codec_context is None:
            raise VideoError(f"{path} is in a video format that has no decoder here.", _EXPORT_AGAIN)
        streams[0].thread_type = "SLICE" if exact else "AUTO"
        yield container, streams[0]


def first_time(path: Path) -> Fraction:
    """When the first video frame is shown, in seconds on the container's clock."""
    with opened(path) as (container, stream):
        stamps = _packet_stamps(container, stream)
        return min(stamps) * stream.time_base if stamps else Fraction(0)


def _packet_stamps(container: av.container.InputContainer, stream: av.VideoStream) -> dict[int, int] | None:
    """Presentation time and duration of every packet that is shown, or None if some say no time."""
    stamps = {}
    with suppress(av.FFmpegError):  # a file cut short lists what is there
        for packet in container.demux(stream):
            if packet.size and packet.pts is None:
                return None
            if packet.size and not packet.is_discard:
                stamps[packet.pts] = packet.duration or 0
    return stamps


def _frame_stamps(path: Path) -> dict[int, int]:
    """Time stamp and duration of every frame that decodes; a new opening, from the start."""
    with opened(path, exact=True) as (container, stream):
        return {key: frame.duration or 0 for key, frame in _decoded(container, stream)}


def _decoded(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[tuple[int, av.VideoFrame]]:
    """Frames in the order they are shown, with their time stamps; damaged packets are passed over."""
    packets = container.demux(stream)
    count = 0
    per_frame = 1 / (stream.guessed_rate or Fraction(25)) / stream.time_base
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        for frame in frames:
            if not frame.is_corrupt:
                # Bare streams carry no time: their frames follow one another at the nominal rate.
                yield (frame.pts if frame.pts is not None else round(count * per_frame)), frame
                count += 1


def _square_size(frame: av.VideoFrame, stream: av.VideoStream) -> tuple[int, int]:
    """Width and height in square pixels, before turning."""
    ratio = stream.sample_aspect_ratio or 1
    return max(1, round(frame.width * ratio)), frame.height


def _to_rgb(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    if any(component.is_alpha for component in frame.format.components):
        rgba = frame.reformat(width, height, "rgba").to_ndarray().astype(np.uint16)
        rgb = ((rgba[..., :3] * rgba[..., 3:] + 127) // 255).astype(np.uint8)
    else:
        rgb = frame.reformat(width, height, "rgb24").to_ndarray()
    return _upright(rgb, frame)


def _upright(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Apply the display matrix: quarter turns and mirrorings (ISO 14496-12, track header matrix).

    The matrix sends a pixel at (x, y) to (a x + c y, b x + d y); of its nine numbers, 0, 1, 3 and 4
    are a, b, c and d.
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return image
    a, b, _, c, d = np.frombuffer(bytes(data), dtype=np.int32)[:5].tolist()
    if abs(a) + abs(d) < abs(b) + abs(c):
        image = image.swapaxes(0, 1)
        a, d = c, b
    if a < 0:
        image = image[:, ::-1]
    if d < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
