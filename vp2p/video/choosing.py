"""Which video stream of a container is the clip: the default one that moves, else the largest that moves."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from pathlib import Path

import av
from av.stream import Disposition

# Nothing but this machine's files, whatever a container refers to.
LOCAL = {"protocol_whitelist": "file"}
# Pictures that go with a clip, and streams that only refine another one.
_BESIDE = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent
_MOVING = 2  # frames


def candidates(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The video streams that can be the clip; of a file of stills, its stills."""
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [s for s in streams if not s.disposition & _BESIDE] or streams


def main_stream(path: Path, container: av.container.InputContainer) -> av.VideoStream | None:
    """The stream that is the clip, or None where there is no video stream but cover art."""
    streams = candidates(container)
    if len(streams) < 2:
        return streams[0] if streams else None
    moving = _moving(path, {stream.index for stream in streams})

    def rank(stream: av.VideoStream) -> tuple[bool, bool, bool, int, int]:
        known = stream.codec_context is not None
        size = stream.codec_context.width * stream.codec_context.height if known else 0
        return known, stream.index in moving, bool(stream.disposition & Disposition.default), size, -stream.index

    return max(streams, key=rank)


def stream_notes(container: av.container.InputContainer, chosen: av.VideoStream) -> tuple[str, ...]:
    """Names the chosen stream and those left out, where there are several."""
    others = [stream for stream in candidates(container) if stream.index != chosen.index]
    if not others:
        return ()
    told = ", ".join(map(_named, others))
    return (f"of {len(others) + 1} video streams, {_named(chosen)} is taken; left out: {told}",)


def _named(stream: av.VideoStream) -> str:
    context = stream.codec_context
    return f"stream {stream.index}" + (f" ({context.width}x{context.height})" if context is not None else "")


def _moving(path: Path, indices: set[int]) -> set[int]:
    """Those of the streams that have more than one frame, by an opening of its own."""
    frames: Counter[int] = Counter()
    with suppress(av.FFmpegError), av.open(str(path.absolute()), container_options=LOCAL) as container:
        for packet in container.demux([container.streams[index] for index in sorted(indices)]):
            frames[packet.stream_index] += bool(packet.size)
            if all(frames[index] >= _MOVING for index in indices):
                break
    return {index for index in indices if frames[index] >= _MOVING}
