"""Clips that PyAV reads: one video stream of any container, listed by time, then decoded in a stream."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence, cast

import av
import numpy as np
from av.buffer import Buffer

from vp2p.errors import VideoError
from vp2p.video import colour, interlace
from vp2p.video.choosing import LOCAL, main_stream, stream_notes
from vp2p.video.sampling import Timeline
from vp2p.video.stamps import best_stamps, filled
from vp2p.video.tone import Tone, tone_of

# FFmpeg draws text files as terminal screens, and follows playlists into other files.
_NOT_CLIPS = {"tty", "hls", "dash", "concat", "ffmetadata", "xbin", "adf", "idf", "bin"}
_EXPORT_AGAIN = "give a video file such as MP4, MOV, WebM or GIF, or a folder of images"
_LOSSLESS = {"ffv1", "png", "qtrle", "rawvideo", "huffyuv", "ffvhuff", "utvideo", "gif", "apng", "bmp", "tiff"}
# FFmpeg's own decoders of these leave out the transparency that WebM keeps beside the picture.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class _First(NamedTuple):
    """What the first frame that decodes says of all: width and height, notes, and the kind of HDR."""

    size: tuple[int, int]
    notes: tuple[str, ...]
    tone: Tone | None


class StreamSource:
    """One video stream of a container.

    Frames are known by their time stamps. Those come from the packets, which is cheap; where packets do not
    say them, or some do not decode, ``by_decoding`` lists what really comes out, and frames are known by their
    place in it. ``origin`` is when the first frame is shown, in seconds on the container's clock.
    """

    def __init__(self, path: Path, by_decoding: bool = False) -> None:
        self.path = path
        with opened(path) as (container, stream):
            self.codec = stream.codec_context.name
            self.lossless = self.codec in _LOSSLESS
            self.audio = container.streams.audio[0].codec_context.name if container.streams.audio else None
            self._notes = list(stream_notes(container, stream))
            base = cast(Fraction, stream.time_base)  # FFmpeg gives every stream that it reads a clock
            packets = None if by_decoding else _packet_stamps(container, stream)
            rates = (stream.average_rate, stream.guessed_rate)  # of a bare stream the guess is the codec's own word
            rate = next(filter(None, rates if packets is not None else reversed(rates)), None)
        self._keys: list[int] | None = None
        if packets is None:
            stamps, last = _frame_stamps(path)
            shown = filled(stamps, float(1 / (rate or Fraction(25)) / base))
        else:
            self._keys = sorted(packets)
            shown = np.array(self._keys, dtype=float)
            last = packets[self._keys[-1]] if packets else 0
        if not len(shown):
            raise VideoError(f"No frame of {path} can be decoded.", "export the clip again, or give another one")
        self.origin = Fraction(float(shown[0])).limit_denominator(1000) * base
        times = (shown - shown[0]) * float(base)
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        rate = rate or (Fraction(1 / step).limit_denominator(1001) if step > 0 else Fraction(25))
        self.timeline = Timeline(times, float(times[-1] + float(last * base or 1 / rate)), Fraction(rate))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how the clip is read, as far as it was."""
        return (*self._notes, *self._first.notes)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in square pixels, upright."""
        return self._first.size

    @property
    def tone(self) -> Tone | None:
        """The kind of HDR that the clip is; None for SDR. Frames are read as SDR in any case."""
        return self._first.tone

    def decode(self, indices: Sequence[int]) -> dict[int, np.ndarray]:
        """Frames by index: uint8 RGB of shape (H, W, 3), turned upright.

        An index is missing from the result where the frame does not decode.
        """
        return dict(self.each(indices))

    def each(self, indices: Sequence[int]) -> Iterator[tuple[int, np.ndarray]]:
        """The same one by one, in the order in which they are shown; none is held in memory."""
        wanted = {index if self._keys is None else self._keys[index]: index for index in indices}
        exact = self._keys is None
        shapes: set[tuple[int, ...]] = set()
        left = len(wanted)
        with opened(self.path, exact) as (container, stream):
            if self._keys is not None and min(wanted) > self._keys[0]:
                with suppress(av.FFmpegError):  # some formats cannot seek; they are decoded from the start
                    container.seek(min(wanted), stream=stream)
            frames = _decoded(container, stream)
            numbered: Iterator[interlace.Numbered] = (
                enumerate(frames) if exact else ((frame.pts, frame) for frame in frames)
            )
            for key, frame, fields in interlace.deinterlaced(numbered):
                if key not in wanted:
                    continue
                if fields and interlace.NOTE not in self._notes:
                    self._notes.append(interlace.NOTE)
                picture = _picture(frame, stream, self.tone)
                shapes.add(picture.shape)
                if len(shapes) > 1:
                    raise VideoError(
                        f"The picture size of {self.path} changes within the clip.", "cut it with --start and --end"
                    )
                yield wanted[key], picture
                left -= 1
                if not left:
                    break

    @cached_property
    def _first(self) -> _First:
        with opened(self.path) as (container, stream):
            for frame in _decoded(container, stream):
                tone = tone_of(frame)
                height, width = _picture(frame, stream, tone).shape[:2]
                return _First((width, height), colour.notes(frame), tone)
        raise VideoError(f"No frame of {self.path} can be decoded.", "export the clip again, or give another one")


@contextmanager
def opened(path: Path, exact: bool = False) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The container and the video stream that is the clip.

    Decoders that work on several frames at once give now more, now fewer of a damaged file;
    ``exact`` has them work on one.

    Raises:
        VideoError: the file is not a video, or holds sound only.
    """
    try:
        container = av.open(str(path.absolute()), container_options=LOCAL)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path} is not a video or an image that can be read.", _EXPORT_AGAIN) from error
    with container:
        if container.format.name in _NOT_CLIPS:
            raise VideoError(f"{path} is not a video or an image that can be read.", _EXPORT_AGAIN)
        stream = main_stream(path, container)
        if stream is None:
            what = "only sound" if container.streams.audio else "no picture"
            raise VideoError(f"{path} holds {what}.", _EXPORT_AGAIN)
        if stream.codec_context is None:
            raise VideoError(f"{path} is in a video format that has no decoder here.", _EXPORT_AGAIN)
        stream.thread_type = "SLICE" if exact else "AUTO"
        yield container, stream


def _packet_stamps(container: av.container.InputContainer, stream: av.VideoStream) -> dict[int, int] | None:
    """Presentation time and duration of every packet that is shown, or None if packets do not say them."""
    if container.format.name == "avi" and stream.codec_context.has_b_frames:
        return None  # their order of presentation is known only once they are decoded
    stamps: dict[int, int] = {}
    with suppress(av.FFmpegError):  # a file cut short lists what is there
        for packet in container.demux(stream):
            if not packet.size:
                continue
            if packet.pts is None or packet.pts in stamps:
                return None
            if not packet.is_discard:
                stamps[packet.pts] = packet.duration or 0
    return stamps


def _frame_stamps(path: Path) -> tuple[Sequence[int | None], int]:
    """Time stamp of every frame that decodes, and the duration of the last; a new opening, from the start."""
    pts, dts, last = [], [], 0
    with opened(path, exact=True) as (container, stream):
        for frame in _decoded(container, stream):
            pts.append(frame.pts)
            dts.append(frame.dts)
            last = frame.duration or 0
        return best_stamps(pts, dts, stream.start_time), last


def _decoded(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """Frames in the order they are shown; damaged packets are passed over."""
    packets = container.demux(stream)
    decoder = stream.codec_context
    if stream.metadata.get("alpha_mode") == "1" and decoder.name in _ALPHA_DECODERS:
        with suppress(av.FFmpegError, ValueError):  # a build without them shows the picture without transparency
            decoder = cast(av.VideoCodecContext, av.CodecContext.create(_ALPHA_DECODERS[decoder.name], "r"))
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = decoder.decode(packet)
        except av.FFmpegError:
            continue
        for frame in frames:
            if not frame.is_corrupt:
                yield frame


def _picture(frame: av.VideoFrame, stream: av.VideoStream, tone: Tone | None) -> np.ndarray:
    """A frame in square pixels, upright."""
    ratio = stream.sample_aspect_ratio or 1
    return _upright(colour.to_rgb(frame, (max(1, round(frame.width * ratio)), frame.height), tone), frame)


def _upright(image: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Apply the display matrix: quarter turns and mirrorings (ISO 14496-12, track header matrix).

    The matrix sends a pixel at (x, y) to (a x + c y, b x + d y); of its nine numbers, 0, 1, 3 and 4
    are a, b, c and d.
    """
    data = cast(Buffer | None, frame.side_data.get("DISPLAYMATRIX"))  # its stub knows of motion vectors only
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
