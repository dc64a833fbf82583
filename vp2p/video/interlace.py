"""Interlaced frames made into full ones, by FFmpeg's bwdif, in the middle of a stream of decoded frames."""

from __future__ import annotations

from typing import Iterable, Iterator

import av
from av.filter import Graph

NOTE = "the video is interlaced: its fields are made into full frames"

Numbered = tuple[int | None, av.VideoFrame]
Deinterlaced = tuple[int | None, av.VideoFrame, bool]


def deinterlaced(frames: Iterable[Numbered]) -> Iterator[Deinterlaced]:
    """The same frames with their numbers, one for one, and whether each was interlaced.

    Frames that are not marked as interlaced pass unchanged. Nothing is filtered before the first that is.
    """
    filter: _Bwdif | None = None
    for number, frame in frames:
        if filter is None and not frame.interlaced_frame:
            yield number, frame, False
            continue
        if filter is None or not filter.fits(frame):
            if filter is not None:
                yield from filter.rest()
            filter = _Bwdif(frame)
        yield from filter.push(number, frame)
    if filter is not None:
        yield from filter.rest()


class _Bwdif:
    """The filter gives a frame when it has seen the next one."""

    def __init__(self, first: av.VideoFrame) -> None:
        self._shape = (first.width, first.height, first.format.name)
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=first.width, height=first.height, format=first.format, time_base=first.time_base
        )
        bwdif = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = self._graph.add("buffersink")
        source.link_to(bwdif)
        bwdif.link_to(sink)
        self._graph.configure()
        self._waiting: list[tuple[int | None, bool]] = []
        self._pushed = 0

    def fits(self, frame: av.VideoFrame) -> bool:
        return self._shape == (frame.width, frame.height, frame.format.name)

    def push(self, number: int | None, frame: av.VideoFrame) -> Iterator[Deinterlaced]:
        self._waiting.append((number, frame.interlaced_frame))
        frame.pts = self._pushed  # the number tells the time; the filter wants some order
        self._pushed += 1
        self._graph.push(frame)
        yield from self._pull()

    def rest(self) -> Iterator[Deinterlaced]:
        self._graph.push(None)
        yield from self._pull()

    def _pull(self) -> Iterator[Deinterlaced]:
        while self._waiting:
            try:
                frame = self._graph.vpull()
            except (BlockingIOError, EOFError, av.FFmpegError):
                return
            number, interlaced = self._waiting.pop(0)
            yield number, frame, interlaced
