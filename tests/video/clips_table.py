"""What clips are read and how: the rows of docs/clips.md, each with a clip that shows it.

``python -m tests.video.clips_table`` prints the page; ``tests/video/test_clips_table.py`` makes each clip, reads it,
and holds the page to this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

import numpy as np
from PIL import Image

from tests.video import test_colour as colour
from tests.video import test_stamps as stamps
from tests.video import test_sync as sync
from vp2p.settings import ClipSettings
from vp2p.video.reading import ChosenFrames, read_clip

Make = Callable[[Path], Path]

_TITLE = """# What clips are read, and how

The `--video` of `vp2p init` may be any file that FFmpeg reads, a picture, an animation, or a folder of pictures. This
page says what is done with each. What is not handled, or differs from what you may expect, is said in a note by
`vp2p init`. A test makes clips of these kinds, reads them, and keeps this page true.

A frame is on the screen from its time until the next one's. So the frame at a time is the last one at or before it.
"""


@dataclass(frozen=True)
class Row:
    """One line: what a clip is, what is done with it, and the note that says so, if one does.

    ``make`` writes such a clip into a folder and gives its path; ``holds`` says what must be true of it as read.
    """

    what: str
    done: str
    make: Make | None = None
    note: str = ""
    settings: Mapping[str, Any] | None = None
    holds: Callable[[ChosenFrames], bool] = lambda clip: True

    def read(self, folder: Path) -> ChosenFrames:
        assert self.make is not None
        return read_clip(self.make(folder), ClipSettings(**{"frames": "all", **(self.settings or {})}))


def _hdr(transfer: int, curve: Callable[[np.ndarray], np.ndarray]) -> Make:
    tags = {"color_trc": transfer, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    return _squares(curve(colour.light() @ colour.TO_BT2020.T * 203), 9, tags)


def _wide(primaries: int, to: np.ndarray) -> Make:
    tags = {"color_trc": 1, "color_primaries": primaries, "colorspace": 1, "color_range": 1}
    return _squares((colour.light() @ to.T) ** (1 / 2.4), 1, tags)


def _squares(signal: np.ndarray, matrix: int, tags: dict[str, int], form: str = "yuv420p10le") -> Make:
    def make(folder: Path) -> Path:
        colour.clip_of(folder / "clip.mp4", signal, matrix, tags, form)
        return folder / "clip.mp4"

    return make


def _untagged(width: int, height: int, matrix: str) -> Make:
    def make(folder: Path) -> Path:
        colour.untagged(folder / "clip.mp4", width, height, matrix)
        return folder / "clip.mp4"

    return make


def _alpha(name: str, codec: str, form: str) -> Make:
    return lambda folder: colour.transparent(folder / name, codec, form)


def _interlaced(name: str, codec: str, options: dict[str, str]) -> Make:
    def make(folder: Path) -> Path:
        colour.interlaced(folder / name, codec, options)
        return folder / name

    return make


def _picture(ending: str, image: Callable[[], Image.Image], **options: Any) -> Make:
    def make(folder: Path) -> Path:
        image().save(folder / f"picture.{ending}", **options)
        return folder / f"picture.{ending}"

    return make


def _grey(value: int, kind: type = np.uint8) -> Callable[[], Image.Image]:
    return lambda: Image.fromarray(np.full((8, 8), value, kind))


def _folder(folder: Path) -> Path:
    for number in (2, 10, 1):
        _grey(number)().save(folder / f"img{number}.png")
    (folder / "notes.txt").write_text("notes")
    return folder


def _container(name: str, video: str, audio: str) -> Make:
    return lambda folder: sync.beating(folder / name, video, audio)


def _white(clip: ChosenFrames) -> bool:
    """White of 203 nits, where light up to 1000 has to fit in."""
    return bool(228 <= clip.frames[0][32, 16].min() <= 234)


def _true(clip: ChosenFrames) -> bool:
    return bool(np.abs(colour.seen(clip) - colour.SQUARES).max() <= 5)


def _on_black(clip: ChosenFrames) -> bool:
    return clip.frames[0][8, 56].max() <= 6


def _value(value: int) -> Callable[[ChosenFrames], bool]:
    return lambda clip: clip.frames[0, 0, 0].tolist() == [value] * 3


_BT709 = {"color_trc": 1, "color_primaries": 1, "colorspace": 1, "color_range": 1}
_ALPHA = "transparent parts of the video are laid on black"
_FIELDS = "its fields are made into full frames"

TABLE: Mapping[str, tuple[Row, ...]] = {
    "Containers and codecs": (
        *(
            Row(f"{name.partition('.')[2].upper()} with {video} and {audio}", "read", _container(name, video, audio))
            for name, video, audio in sync.CONTAINERS
        ),
        Row("a bare H.264 stream", "read at its own rate", stamps.bare, holds=lambda clip: clip.rate == 10),
        Row(
            "several video streams",
            "the default one that moves, else the largest that moves",
            colour.two_streams,
            "is taken; left out: stream",
        ),
        Row("cover art, posters, timed thumbnails", "left out"),
        Row("text, playlists, subtitles, sound alone", "refused, with the reason"),
        Row("an address such as https://…", "refused: download it first"),
    ),
    "Times": (
        Row(
            "an even rate",
            "`--frames N` spreads N frames evenly over the time",
            stamps.even,
            settings={"frames": 5},
            holds=lambda clip: clip.times.tolist() == [0, 0.2, 0.4, 0.6, 0.8],
        ),
        Row(
            "uneven times, spread or by `--fps`",
            "the frame on the screen at each time; a held one repeats",
            stamps.uneven,
            "because the clip holds it for that long",
            {"frames": 8},
        ),
        Row(
            "uneven times, `--frames all` or `--stride`",
            "kept in MP4, GIF, WebP and the report",
            stamps.uneven,
            "the frames come at uneven times",
            holds=lambda clip: clip.shown is not None,
        ),
        Row(
            "`--start` within a held frame",
            "shows that frame from there",
            stamps.uneven,
            "",
            {"start": 0.5, "end": 1.0},
            lambda clip: len(clip.frames) == 1 and clip.start == 0.5,
        ),
        Row(
            "stamps before zero, or missing ones",
            "no frame is lost; missing times lie between their neighbours",
            stamps.negative,
            holds=lambda clip: len(clip.frames) == 10 and clip.shown is None,
        ),
        Row(
            "AVI with B-frames, which keeps no times of presentation",
            "in the order of presentation",
            stamps.avi,
            holds=lambda clip: bool((np.diff(clip.frames.mean((1, 2, 3))) > 0).all()),
        ),
        Row("edit lists", "what they leave out is left out"),
        Row("a folder of pictures", "8 frames a second"),
    ),
    "Colours": (
        Row(
            "BT.709, BT.601 or BT.2020, as the clip says",
            "converted by its matrix and range",
            _squares(colour.SQUARES / 255, 1, _BT709, "yuv420p"),
            holds=_true,
        ),
        Row(
            "no matrix said, 1280 wide or more, or over 576 high",
            "BT.709, as players do",
            _untagged(1280, 720, "ITU709"),
            "BT.709 is taken",
        ),
        Row("no matrix said, smaller", "BT.601, as players do", _untagged(640, 480, "ITU601"), "BT.601 is taken"),
        Row(
            "HDR, PQ (SMPTE 2084)",
            "tone-mapped by ITU-R BT.2390 from MaxCLL, the mastering display's peak or 1000 nits to 203",
            _hdr(16, colour.pq),
            "HDR (PQ)",
            holds=_white,
        ),
        Row(
            "HDR, HLG",
            "shown for a screen of 1000 nits, then tone-mapped as PQ is",
            _hdr(18, colour.hlg),
            "HDR (HLG)",
            holds=_white,
        ),
        Row(
            "BT.2020 primaries without HDR",
            "converted to BT.709",
            _wide(9, colour.TO_BT2020),
            "converted from BT.2020",
            holds=_true,
        ),
        Row("P3 primaries", "converted to BT.709", _wide(12, colour.P3_FROM_BT709), "converted from P3", holds=_true),
        Row("10 and 12 bits without HDR", "rounded to the nearest of 256 levels"),
        Row("YCgCo, ICtCp, Dolby Vision profile 5", "not supported: read as they are, with a note"),
        Row("logarithmic transfer", "not converted, with a note"),
        Row("pictures with a colour profile", "converted to sRGB"),
        Row("16-bit grey pictures", "their high byte", _picture("png", _grey(50000, np.uint16)), holds=_value(195)),
        Row(
            "pictures of floats",
            "0 to 1 fill the range; above that, values as they are",
            _picture("tif", lambda: Image.fromarray(np.full((8, 8), 0.5, np.float32))),
            holds=_value(127),
        ),
    ),
    "Transparency": (
        Row("VP9 in WebM", "laid on black", _alpha("clip.webm", "libvpx-vp9", "yuva420p"), _ALPHA, holds=_on_black),
        Row("VP8 in WebM", "laid on black", _alpha("clip.webm", "libvpx", "yuva420p"), _ALPHA, holds=_on_black),
        Row("ProRes 4444", "laid on black", _alpha("clip.mov", "prores_ks", "yuva444p10le"), _ALPHA, holds=_on_black),
        Row(
            "Animation and PNG in MOV, FFV1",
            "laid on black",
            _alpha("clip.mov", "qtrle", "argb"),
            _ALPHA,
            holds=_on_black,
        ),
        Row("HEVC with alpha", "laid on black where FFmpeg decodes it; else its colours alone"),
        Row(
            "pictures, GIF, WebP, APNG",
            "laid on black",
            _picture("png", lambda: Image.new("RGBA", (8, 8), (255, 255, 255, 0))),
            "laid on black",
            holds=_value(0),
        ),
    ),
    "Interlacing": (
        Row(
            "MPEG-2, top field first",
            "deinterlaced (bwdif), one frame for each frame",
            _interlaced("clip.mpg", "mpeg2video", {"qmin": "1", "qmax": "2"}),
            _FIELDS,
        ),
        Row(
            "H.264, either field first",
            "deinterlaced",
            _interlaced("clip.mkv", "libx264", {"x264-params": "tff=1", "crf": "4"}),
            _FIELDS,
        ),
        Row("frames that are not marked as interlaced", "left as they are"),
    ),
    "Shape": (
        Row("a turned or mirrored clip, EXIF orientation", "upright"),
        Row("pixels that are not square", "made square"),
        Row("a picture size that changes within the clip", "refused: cut it with --start and --end"),
        Row("stereoscopic and 360-degree clips", "edited as one flat picture, with a note"),
    ),
    "Folders of pictures": (
        Row(
            "pictures by their content, img2 before img10",
            "one frame each",
            _folder,
            "left out of the folder",
            holds=lambda clip: clip.frames[:, 0, 0, 0].tolist() == [1, 2, 10],
        ),
        Row("pictures of several sizes", "refused, with two of them named"),
        Row("a file that ends as a picture but is none", "refused, with its name"),
    ),
    "Masks": (
        Row("greys", "above the middle is outlined"),
        Row("small numbers: 0 and 1, or numbers of objects, in pictures or lossless video", "all but 0, with a note"),
        Row("a palette with colours, as of segmentation data sets", "all but its first entry"),
        Row("colours", "all but black, with a note"),
        Row("pictures with transparency", "what is not transparent"),
        Row("one picture", "holds for all frames, with a note"),
        Row("black in all frames", "refused: nothing could change"),
    ),
    "Sound": (
        Row("AAC, MP3, Opus, FLAC", "copied; it ends with the picture"),
        Row("other codecs", "turned into AAC, with a note"),
        Row("more than two channels of such", "two, with a note"),
        Row("several streams of sound", "the default one, with a note"),
        Row("a container that cannot seek", "read from its start"),
        Row("no sound in the span, or a format that holds none", "a note"),
    ),
}


def page() -> str:
    """The text of docs/clips.md."""
    parts = [_TITLE]
    for title, rows in TABLE.items():
        parts += [f"## {title}\n", "| clip | what is done | note |", "|---|---|---|"]
        parts += [f"| {row.what} | {row.done} | {f'“… {row.note} …”' if row.note else ''} |" for row in rows]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
