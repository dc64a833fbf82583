"""The sound of a span of the source clip, copied packet by packet into an MP4, or turned into AAC."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av

from vp2p.errors import VideoError
from vp2p.video.streams import first_time, opened

# MP4 may hold more, but these are what browsers play from it.
_COPIED = {"aac", "mp3", "mp3float", "opus", "libopus", "flac"}
_AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}


def add_audio(
    output: av.container.OutputContainer, source: Path, span: tuple[float, float]
) -> tuple[list[av.Packet], tuple[str, ...]]:
    """Add an audio stream to ``output`` with the sound of ``source`` over ``span``, shifted to start at 0.

    Must come before the first packet is muxed. ``span`` is in seconds since the source's first video
    frame. A packet that straddles the start keeps its place before 0, where players do not play it.

    Returns:
        The packets, for the caller to mux in order of time, and notes for the user: empty when the
        sound was copied as it was or when there is none.
    """
    if not source.is_file():
        return [], (f"no sound: {source} is not a file",) if not source.is_dir() else ()
    try:
        origin = first_time(source)
    except VideoError:  # a GIF that Pillow read, say
        return [], ()
    start = origin + Fraction(span[0]).limit_denominator(1_000_000)
    end = origin + Fraction(span[1]).limit_denominator(1_000_000)
    with av.open(str(source.absolute()), container_options={"protocol_whitelist": "file"}) as container:
        if not container.streams.audio:
            return [], ()
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            return [], ("no sound: its format has no decoder here",)
        if start > origin:
            with suppress(av.FFmpegError):  # some formats cannot seek; they are read from the start
                container.seek(int((start - 1) * av.time_base), backward=True)
        name = stream.codec_context.name
        if name in _COPIED:
            return _copy(output, container, stream, start, end), ()
        packets = _to_aac(output, container, stream, start, end)
        return packets, (f"sound turned from {name} into aac, which players of MP4 know",) if packets else ()


def has_audio(source: Path) -> bool:
    """Whether the clip at ``source`` is a video file with sound."""
    if not source.is_file():
        return False
    with suppress(VideoError), opened(source) as (container, _):
        return bool(container.streams.audio)
    return False


def _copy(
    output: av.container.OutputContainer,
    container: av.container.InputContainer,
    stream: av.AudioStream,
    start: Fraction,
    end: Fraction,
) -> list[av.Packet]:
    copied = output.add_stream_from_template(stream)
    shift = round(start / stream.time_base)
    packets: list[av.Packet] = []
    before: av.Packet | None = None
    with suppress(av.FFmpegError):  # a source cut short gives the sound that is there
        for packet in container.demux(stream):
            if not packet.size or packet.pts is None:
                continue
            if packet.pts * stream.time_base >= end:
                break
            if packet.pts < shift:
                before = packet
                continue
            packets.append(packet)
    if before is not None:
        packets.insert(0, before)  # decoders need the packet before to begin cleanly
    for packet in packets:
        packet.stream = copied
        packet.pts -= shift
        packet.dts = packet.pts
    return packets


def _to_aac(
    output: av.container.OutputContainer,
    container: av.container.InputContainer,
    stream: av.AudioStream,
    start: Fraction,
    end: Fraction,
) -> list[av.Packet]:
    rate = stream.codec_context.sample_rate
    rate = rate if rate in _AAC_RATES else 48000
    layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
    encoded = output.add_stream("aac", rate=rate)
    encoded.codec_context.layout = layout
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    length = round((end - start) * rate)
    packets: list[av.Packet] = []
    with suppress(av.FFmpegError):  # a source cut short gives the sound that is there
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                if part.pts is None:
                    continue
                first = round((part.pts * part.time_base - start) * rate)
                low, high = max(0, -first), min(part.samples, length - first)
                if low < high:
                    cut = av.AudioFrame.from_ndarray(part.to_ndarray()[:, low:high].copy(), "fltp", layout)
                    cut.sample_rate, cut.pts, cut.time_base = rate, first + low, Fraction(1, rate)
                    packets += encoded.encode(cut)
            if frame.time is not None and frame.time >= end:
                break
    return packets + encoded.encode(None)
