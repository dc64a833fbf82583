"""The sound of a span of the source clip, copied packet by packet into an MP4, or turned into AAC."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Iterator, TypeAlias, cast

import av
import numpy as np

from vp2p.errors import VideoError
from vp2p.video.choosing import LOCAL
from vp2p.video.streams import StreamSource, opened

# MP4 may hold more, but these are what browsers play from it.
_COPIED = {"aac", "mp3", "mp3float", "opus", "libopus", "flac"}
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}
# Containers round times, some to a millisecond. Sound that is off by less follows what came before.
_ROUNDING = Fraction(1, 400)
# In quotes, because only PyAV's stubs know what a packet belongs to.
AudioPacket: TypeAlias = "av.Packet[av.AudioStream]"


@dataclass(frozen=True)
class Span:
    """A stream of sound in a file, and the seconds of it that are wanted, on the container's clock."""

    path: Path
    index: int
    start: Fraction
    end: Fraction


def add_audio(
    output: av.container.OutputContainer, source: Path, span: tuple[float, float]
) -> tuple[list[AudioPacket], tuple[str, ...]]:
    """Add an audio stream to ``output`` with the sound of ``source`` over ``span``, shifted to start at 0.

    Must come before the first packet is muxed. ``span`` is in seconds since the source's first video
    frame. A packet that straddles the start keeps its place before 0, where players do not play it; one
    that straddles the end is said to be shorter.

    Returns:
        The packets, for the caller to mux in order of time, and notes for the user: empty when the
        sound was copied as it was or when there is none.
    """
    if not source.is_file():
        return [], (f"no sound: {source} is not a file",) if not source.is_dir() else ()
    try:
        origin = StreamSource(source).origin
    except VideoError:  # a GIF that Pillow read, say
        return [], ()
    with av.open(str(source.absolute()), container_options=LOCAL) as container:
        stream = container.streams.best("audio")
        if not isinstance(stream, av.AudioStream):
            return [], ()
        if stream.codec_context is None:
            return [], ("no sound: its format has no decoder here",)
        others = len(container.streams.audio) - 1
        notes: tuple[str, ...] = ()
        if others:
            notes = (f"of {others + 1} streams of sound, stream {stream.index} is taken",)
        wanted = Span(source, stream.index, *(origin + Fraction(at).limit_denominator(1_000_000) for at in span))
        if _is_copied(stream):
            packets = _copy(output, stream, wanted)
        else:
            packets, turned = _to_aac(output, stream, wanted)
            notes += turned if packets else ()
    if not packets:
        return [], (*notes, f"no sound: the clip has none between {span[0]:g} and {span[1]:g} seconds")
    return packets, notes


def has_audio(source: Path) -> bool:
    """Whether the clip at ``source`` is a video file with sound."""
    if not source.is_file():
        return False
    try:
        with opened(source) as (container, _):
            return bool(container.streams.audio)
    except VideoError:
        return False


def _is_copied(stream: av.AudioStream) -> bool:
    """Whether MP4 holds the sound as it is; MP3 of the low rates of MPEG 2.5 it does not."""
    context = stream.codec_context
    return context.name in _COPIED and not (context.name.startswith("mp3") and context.sample_rate < 16000)


def _packets(span: Span) -> Iterator[tuple[int, AudioPacket]]:
    """Time stamps and packets from at the latest the span's start on; also where the container cannot seek."""
    for seeks in (True, False):
        with av.open(str(span.path.absolute()), container_options=LOCAL) as container:
            stream = cast(av.AudioStream, container.streams[span.index])
            if seeks:
                first = Fraction(container.start_time or 0, av.time_base)
                if span.start - 1 <= first:
                    continue
                try:
                    container.seek(int((span.start - 1) * av.time_base), backward=True)
                except av.FFmpegError:
                    continue
            late = None
            try:
                for packet in container.demux(stream):
                    if packet.size and packet.pts is not None:
                        late = packet.pts * packet.time_base > span.start if late is None else late
                        if late and seeks:
                            break
                        yield packet.pts, packet
            except av.FFmpegError:  # a source cut short gives the sound that is there
                pass
            if late is False:
                return


def _copy(output: av.container.OutputContainer, stream: av.AudioStream, span: Span) -> list[AudioPacket]:
    """The span's packets, stamped by the samples that they hold, so that a coarse clock does not matter."""
    rate = stream.codec_context.sample_rate
    unit = Fraction(1, rate)
    kept: list[tuple[int, int, AudioPacket]] = []
    at: int | None = None
    for pts, packet in _packets(span):
        stamp = round(pts * packet.time_base * rate)
        if at is None or abs(stamp - at) > _ROUNDING * rate:
            at = stamp
        length = _samples(stream, packet)
        if at * unit >= span.end:
            break
        if at * unit < span.start:
            kept.clear()  # but for the last of them: decoders need the packet before to begin cleanly
        kept.append((at, length, packet))
        at += length
    if not kept or (kept[-1][0] + kept[-1][1]) * unit <= span.start:
        return []
    copied = output.add_stream_from_template(stream)
    shift, length = round(span.start * rate), round((span.end - span.start) * rate)
    packets = []
    for at, samples, packet in kept:
        packet.stream = copied
        packet.time_base = unit
        packet.pts = packet.dts = at - shift
        packet.duration = min(samples, length - packet.pts)
        packets.append(packet)
    return packets


def _samples(stream: av.AudioStream, packet: AudioPacket) -> int:
    """How many samples a packet holds, from its codec where that says it, else from its duration."""
    rate, size = stream.codec_context.sample_rate, stream.codec_context.frame_size
    told = round((packet.duration or 0) * packet.time_base * rate)
    return size if size and abs(told - size) <= _ROUNDING * rate or not told else told


def _to_aac(
    output: av.container.OutputContainer, stream: av.AudioStream, span: Span
) -> tuple[list[AudioPacket], tuple[str, ...]]:
    """The span's sound encoded anew, sample by sample in its place; and notes on what changed."""
    rate = stream.codec_context.sample_rate
    rate = rate if rate in _AAC_RATES else 48000
    channels = stream.codec_context.layout.nb_channels
    layout = "mono" if channels == 1 else "stereo"
    encoded: av.AudioStream | None = None
    packets: list[AudioPacket] = []
    for first, samples in _placed(stream, span, (rate, layout)):
        if encoded is None:
            encoded = output.add_stream("aac", rate=rate)
            encoded.codec_context.layout = layout
        cut = av.AudioFrame.from_ndarray(samples, "fltp", layout)
        cut.sample_rate, cut.pts, cut.time_base = rate, first, Fraction(1, rate)
        packets += encoded.encode(cut)
    if encoded is None:
        return packets, ()
    notes = [f"sound turned from {stream.codec_context.name} into aac, which players of MP4 know"]
    notes += [f"its {channels} channels became 2"] if channels > 2 else []
    return packets + encoded.encode(None), tuple(notes)


def _placed(stream: av.AudioStream, span: Span, target: tuple[int, str]) -> Iterator[tuple[int, np.ndarray]]:
    """The span's samples as pieces without gaps, float32 (channels, n), each with its place; holes are silent."""
    rate, layout = target
    length = round((span.end - span.start) * rate)
    at: int | None = None
    done = 0
    for part in _resampled(stream, span, target):
        # What a decoder gives at the end may have no time, and follows.
        if part.pts is not None and part.time_base is not None:
            first = round((part.pts * part.time_base - span.start) * rate)
            at = first if at is None or abs(first - at) > _ROUNDING * rate else at
        if at is None:
            continue
        samples = part.to_ndarray()[:, max(0, done - at) : max(0, length - at)]
        start = max(at, done)
        at += part.samples
        if not samples.shape[1]:
            if start >= length:
                return
            continue
        while done < start:
            gap = min(start - done, rate)
            yield done, np.zeros((len(samples), gap), np.float32)
            done += gap
        yield done, samples.copy()
        done += samples.shape[1]


def _resampled(stream: av.AudioStream, span: Span, target: tuple[int, str]) -> Iterator[av.AudioFrame]:
    """Decoded sound in the target's rate and layout, whatever it changes to on its way."""
    rate, layout = target
    resampler, shape = av.AudioResampler(format="fltp", layout=layout, rate=rate), None
    for _, packet in _packets(span):
        try:
            frames = packet.decode()
        except av.FFmpegError:  # a damaged packet is passed over
            continue
        for frame in frames:
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape not in (None, now):
                resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
            shape = now
            yield from resampler.resample(frame)
