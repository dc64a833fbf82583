"""Writing frames as an H.264 MP4, a GIF, an animated WebP or a folder of PNG images."""

from __future__ import annotations

import errno
import re
from fractions import Fraction
from pathlib import Path
from typing import Any, Iterator, Literal, Protocol

import av
import numpy as np
from PIL import Image

from vp2p.atomic import Seen, swapping
from vp2p.errors import UsageError, VideoError
from vp2p.text import typed
from vp2p.video.audio import AudioPacket, add_audio, has_audio
from vp2p.video.timing import Timing

VideoFormat = Literal["mp4", "gif", "webp", "png"]
_ENDINGS: dict[str, VideoFormat] = {"mp4": "mp4", "gif": "gif", "webp": "webp", "": "png"}
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows has no quota error
# The clock of uneven times, which players read best.
_FINE = Fraction(1, 90_000)
_BT709 = 1  # the code of BT.709 in the H.264 tables of matrices, primaries and transfer functions


class Frames(Protocol):
    """Pictures, uint8 RGB (H, W, 3), that are counted before they are made: an array (F, H, W, 3), or a stream."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


def write_video(
    path: Path,
    frames: Frames,
    timing: Timing | Fraction,
    audio_from: Path | None = None,
    format: VideoFormat | None = None,
    seen: Seen = "anything",
) -> tuple[str, ...]:
    """Write uint8 RGB ``frames``: an array of shape (F, H, W, 3), or such as are made one by one.

    Of an MP4, or a folder of PNG, only one frame at a time is held in memory.

    An MP4 gets the sound of ``audio_from`` over the timing's span of that clip. ``png`` makes ``path``
    a folder. What was at ``path`` is replaced in one step; on failure it stays as it was.

    Args:
        timing: when the frames are shown; a fraction is a rate in frames a second.
        format: by default what the ending of ``path`` says; no ending means a folder of PNG.
        seen: what may be replaced; see :func:`vp2p.atomic.swapping`.

    Returns:
        Notes for the user, such as why there is no sound.

    Raises:
        UsageError: the ending of ``path`` names no format.
        VideoError: the file cannot be written, as on a full disk.
    """
    path = Path(path)
    format = format or _format_of(path)
    _check_place(path, format)
    timing = timing if isinstance(timing, Timing) else Timing(Fraction(timing))
    try:
        with swapping(path, seen) as temporary:
            if format == "mp4":
                return _write_mp4(temporary, frames, timing, audio_from)
            if format == "png":
                temporary.mkdir()
                for number, frame in enumerate(frames, start=1):
                    Image.fromarray(frame).save(temporary / f"{number:05d}.png", format="PNG")
            else:
                _write_animation(temporary, frames, timing, format)
    except (OSError, av.FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        mend = "free some space" if error.errno in _FULL else f"see that {path.parent} can be written to"
        hint = f"{mend}, then the same command again"
        raise VideoError(f"{path} cannot be written: {reason}.", hint) from error
    notes: tuple[str, ...] = ()
    if audio_from is not None and has_audio(Path(audio_from)):
        notes = (f"no sound: {format} holds none",)
    if format == "png" and timing.shown is not None:
        notes += ("the frames come at uneven times, which a folder of pictures cannot tell",)
    return notes


def _format_of(path: Path) -> VideoFormat:
    ending = path.suffix.lower().lstrip(".")
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    raise UsageError(f"{path.name} ends in .{ending}, which is no format to write.", "--format mp4, gif, webp or png")


def _check_place(path: Path, format: VideoFormat) -> None:
    if not path.absolute().parent.is_dir():
        raise VideoError(f"There is no folder {path.parent}.", f"mkdir -p {typed(str(path.parent))}")
    if format != "png" and path.is_dir():
        raise VideoError(f"{path} is a folder, not a file to write.", "choose another output path")
    if format == "png" and path.exists():
        # Only a folder that an earlier run wrote may be replaced.
        if not path.is_dir() or any(not re.fullmatch(r"\d{5}\.png", item.name) for item in path.iterdir()):
            raise VideoError(f"{path} exists and is not a folder of numbered PNG images.", "choose another output path")


def _write_mp4(path: Path, frames: Frames, timing: Timing, audio_from: Path | None) -> tuple[str, ...]:
    if "libx264" not in av.codecs_available:
        raise VideoError(
            "This build of PyAV has no H.264 encoder.", "--format webp, or install PyAV from PyPI: pip install av"
        )
    with av.open(str(path), "w", format="mp4", container_options={"movflags": "+faststart"}) as output:
        # No B-frames: at a few frames a second their delay would put the sound out of step in
        # players that ignore edit lists. One thread, here and below: the same frames give the
        # same bytes anywhere.
        options = {"crf": "16", "preset": "medium", "bf": "0", "threads": "1"}
        stream = output.add_stream("libx264", rate=timing.rate, options=options)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        unit = 1 / timing.rate if timing.shown is None else _FINE
        context.time_base = unit
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = 1  # 16 to 235
        sound: list[AudioPacket] = []
        notes: tuple[str, ...] = ()
        if audio_from is not None and timing.span is not None:
            sound, notes = add_audio(output, Path(audio_from), timing.span)
            sound.sort(key=_decoded_at)
        bounds = [round(time / unit) for time in timing.bounds(len(frames))]
        for index, pixels in enumerate(frames):
            # 4:2:0 halves the sides, so odd ones get their last row or column twice.
            pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), mode="edge")
            if not index:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1)
            frame.pts, frame.time_base, frame.duration = bounds[index], unit, bounds[index + 1] - bounds[index]
            _mux(output, stream.encode(frame), sound)
        _mux(output, stream.encode(None), sound)
        output.mux(sound)
    return notes


def _mux(output: av.container.OutputContainer, packets: list[Any], sound: list[AudioPacket]) -> None:
    """Writes packets of the picture, and before each the packets of the ``sound`` that are due; these are taken out."""
    for packet in packets:
        while sound and _decoded_at(sound[0]) <= _decoded_at(packet):
            output.mux(sound.pop(0))
        output.mux(packet)


def _decoded_at(packet: av.Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _write_animation(path: Path, frames: Frames, timing: Timing, format: VideoFormat) -> None:
    tick = 10 if format == "gif" else 1  # milliseconds that the format counts in
    # Rounding each frame's end, not its length, keeps the whole as long as it should be.
    ends = [round(1000 * time / tick) * tick for time in timing.bounds(len(frames))]
    durations = [max(after - before, tick) for before, after in zip(ends, ends[1:])]
    images = [Image.fromarray(frame) for frame in frames]
    options: dict[str, object] = {"quality": 90, "method": 4}
    if format == "gif":
        images = [image.quantize(256, method=Image.Quantize.MEDIANCUT) for image in images]
        options = {"disposal": 1, "optimize": False}
    images[0].save(
        path, format=format.upper(), save_all=True, append_images=images[1:], duration=durations, loop=0, **options
    )
