"""Colours as a screen shows them: HDR, wide and unsaid colour spaces, transparency, interlaced fields."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Callable, Sequence

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from vp2p.settings import ClipSettings
from vp2p.video import interlace as fields
from vp2p.video.reading import ChosenFrames, read_clip

TWO = ClipSettings(frames=2)
SQUARES = np.array([[255, 255, 255], [200, 40, 40], [40, 180, 60], [50, 60, 200], [128, 128, 128], [20, 20, 20]], float)
TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
P3_FROM_BT709 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])


def light() -> np.ndarray:
    """Linear light of the squares, with 1 for white."""
    return (SQUARES / 255) ** 2.4


def pq(nits: np.ndarray) -> np.ndarray:
    y = np.clip(nits / 10_000, 0, 1) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits: np.ndarray) -> np.ndarray:
    shown = nits / 1000
    luma = np.maximum(shown @ [0.2627, 0.678, 0.0593], 1e-9)[:, None]
    scene = np.clip(shown * luma ** (-0.2 / 1.2), 0, 1)
    return np.where(
        scene <= 1 / 12,
        np.sqrt(3 * scene),
        0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073,
    )


def clip_of(
    path: Path, signal: np.ndarray, matrix: int, tags: dict[str, int], format: str = "yuv420p10le", said: str = ""
) -> ChosenFrames:
    """A clip of squares of a signal from 0 to 1 (n, 3), 32 pixels wide each, with colour tags and what x265 is told."""
    columns = np.repeat(np.round(np.clip(signal, 0, 1) * 65535).astype(np.uint16), 32, axis=0)
    picture = np.ascontiguousarray(np.repeat(columns[None], 64, axis=0))
    with av.open(str(path), "w") as output:
        codec = "libx265" if "10" in format else "libx264"
        stream = output.add_stream(codec, rate=10, options={"x265-params": "log-level=none" + said, "crf": "4"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = format
        for key, value in tags.items():
            setattr(stream.codec_context, key, value)
        for index in range(4):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb48le")
            frame = frame.reformat(format=format, dst_colorspace=matrix, dst_color_range="MPEG")
            for key, value in tags.items():
                setattr(frame, key, value)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return read_clip(path, TWO)


def seen(clip: ChosenFrames, count: int = len(SQUARES)) -> np.ndarray:
    """The colour in the middle of each square."""
    return clip.frames[0][32, 16 : 32 * count : 32].astype(float)


def from_pq(signal: np.ndarray) -> np.ndarray:
    power = signal ** (1 / 78.84375)
    return 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)


def on_a_screen(colours: np.ndarray, peak: float) -> np.ndarray:
    """What the equations of ITU-R BT.2390 make of light in cd/m² (n, 3), for a white of 203, as values of 0…255."""
    source, brightest = pq(np.array(peak)), np.minimum(colours.max(1, keepdims=True), peak)
    e1, most = pq(brightest) / source, pq(np.array(203.0)) / source
    ks = 1.5 * most - 0.5
    t = (e1 - ks) / max(1 - ks, 1e-9)
    p = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (-2 * t**3 + 3 * t**2) * most
    e2 = np.where(e1 < ks, e1, p)
    light = colours / np.maximum(colours.max(1, keepdims=True), 1e-9) * from_pq(e2 * source) / 203
    return 255 * np.clip(light, 0, 1) ** (1 / 2.4)


HDR = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "color_range": 1}


@pytest.mark.parametrize(("transfer", "curve", "name"), [(16, pq, "PQ"), (18, hlg, "HLG")])
def test_hdr_is_tone_mapped_by_the_equations_of_bt2390(
    tmp_path: Path, transfer: int, curve: Callable[[np.ndarray], np.ndarray], name: str
) -> None:
    nits = light() * np.array([600, 300, 203, 203, 203, 203])[:, None]
    clip = clip_of(tmp_path / "clip.mp4", curve(nits @ TO_BT2020.T), 9, HDR | {"color_trc": transfer})
    assert seen(clip) == pytest.approx(on_a_screen(nits, 1000), abs=5)
    (note,) = clip.notes
    assert f"HDR ({name})" in note and "from 1000 to 203 nits" in note


def test_hdr_that_says_no_matrix_or_primaries_has_those_of_bt2020(tmp_path: Path) -> None:
    tags = HDR | {"color_primaries": 2, "colorspace": 2}
    clip = clip_of(tmp_path / "clip.mp4", pq(light() @ TO_BT2020.T * 203), 9, tags)
    assert seen(clip) == pytest.approx(on_a_screen(light() * 203, 1000), abs=5)
    assert "BT.2020 is taken" in clip.notes[1]


def test_highlights_are_bent_in_order_up_to_the_peak_that_the_clip_says(tmp_path: Path) -> None:
    nits = np.array([50, 100, 203, 400, 1000, 4000], float)[:, None].repeat(3, 1)
    display = "master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(%d0000,1)"
    for said, peak in (
        ("", 1000),
        (f":{display % 4000}", 4000),
        (f":{display % 4000}:max-cll=2000,400", 2000),
        (f":{display % 203}", 203),
    ):
        clip = clip_of(tmp_path / "clip.mp4", pq(nits), 9, HDR, said=said)
        greys = seen(clip)
        assert greys == pytest.approx(on_a_screen(nits, peak), abs=3)
        assert f"from {peak} to 203" in clip.notes[0]
        assert (np.diff(greys[nits[:, 0] <= peak, 0]) > 0).all() and greys[-1].tolist() == [255] * 3


def test_hdr_is_mapped_alike_in_all_frames(tmp_path: Path) -> None:
    """The peak is the first frame's, also where reading begins at another one."""
    nits = np.array([50, 100, 203, 400, 1000, 4000], float)[:, None].repeat(3, 1)
    clip_of(tmp_path / "clip.mp4", pq(nits), 9, HDR, said=":max-cll=3000,400:keyint=1:repeat-headers=0")
    clip = read_clip(tmp_path / "clip.mp4", ClipSettings(frames="all"))
    late = read_clip(tmp_path / "clip.mp4", ClipSettings(frames=1, start=0.3))
    assert np.ptp(clip.frames.astype(int), 0).max() <= 1
    assert np.array_equal(late.frames[0], clip.frames[3])


@pytest.mark.parametrize("range", [1, 2])
def test_ten_bits_are_read_without_bands(tmp_path: Path, range: int) -> None:
    """FFmpeg's fast way gives 219 greys of a limited range, all of them darker than they are."""
    with av.open(str(tmp_path / "clip.mkv"), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1024, 16, "yuv420p10le"
        frame = av.VideoFrame(1024, 16, "yuv420p10le")
        ramp = np.linspace(*((64, 940) if range == 1 else (0, 1023)), 1024).round()
        for plane, row in zip(frame.planes, (ramp, np.full(512, 512), np.full(512, 512))):
            rows = np.frombuffer(plane, np.uint16).reshape(plane.height, -1)
            rows[:, : len(row)] = row
        for where in (frame, stream.codec_context):
            where.colorspace, where.color_range, where.color_primaries, where.color_trc = 1, range, 1, 1
        for index in (0, 1):
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    row = read_clip(tmp_path / "clip.mkv", TWO).frames[0, 8].astype(float)
    exact = 255 * ((ramp - 64) / 876 if range == 1 else ramp / 1023)
    assert len(np.unique(row)) == 256 and row[-1].tolist() == [255] * 3
    assert np.abs(row - exact[:, None]).max() <= (0.51 if range == 1 else 1.3)


@pytest.mark.parametrize(("primaries", "to"), [(9, TO_BT2020), (12, P3_FROM_BT709)])
def test_wide_primaries_become_those_of_bt709(tmp_path: Path, primaries: int, to: np.ndarray) -> None:
    tags = {"color_trc": 1, "color_primaries": primaries, "colorspace": 1, "color_range": 1}
    clip = clip_of(tmp_path / "clip.mp4", (light() @ to.T) ** (1 / 2.4), 1, tags)
    assert seen(clip) == pytest.approx(SQUARES, abs=4)
    assert "are converted from" in clip.notes[0]


def test_colours_beyond_the_screen_keep_their_hue(tmp_path: Path) -> None:
    pure = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    tags = {"color_trc": 1, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    colours = seen(clip_of(tmp_path / "clip.mp4", pure, 9, tags), 3)
    assert colours.argmax(1).tolist() == [0, 1, 2]
    assert (colours.max(1) > 190).all()


def untagged(path: Path, width: int, height: int, matrix: str, codec: str = "libx264") -> ChosenFrames:
    picture = np.zeros((height, width, 3), np.uint8)
    for place, colour in enumerate(SQUARES):
        picture[:, place * width // 6 : (place + 1) * width // 6] = colour
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=10, options={"crf": "6", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range="MPEG")
            frame.colorspace, frame.pts, frame.time_base = 2, index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return read_clip(path, TWO)


@pytest.mark.parametrize(
    ("width", "height", "matrix", "name"),
    [
        (1280, 720, "ITU709", "BT.709"),
        (720, 1280, "ITU709", "BT.709"),
        (1280, 544, "ITU709", "BT.709"),
        (720, 576, "ITU601", "BT.601"),
        (640, 480, "ITU601", "BT.601"),
    ],
)
def test_a_matrix_that_is_not_said_is_guessed_by_size(
    tmp_path: Path, width: int, height: int, matrix: str, name: str
) -> None:
    clip = untagged(tmp_path / "clip.mp4", width, height, matrix)
    colours = clip.frames[0][height // 2, width // 12 :: width // 6].astype(float)
    assert colours == pytest.approx(SQUARES, abs=5)
    assert clip.notes == (
        f"the video does not say its colour matrix: {name} is taken, as players do at {width}x{height}",
    )


def test_what_is_said_or_has_no_matrix_is_not_noted(tmp_path: Path) -> None:
    tags = {"color_trc": 1, "color_primaries": 1, "colorspace": 1, "color_range": 1}
    assert clip_of(tmp_path / "clip.mp4", SQUARES / 255, 1, tags, "yuv420p").notes == ()
    path = tmp_path / "grey.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "gray"
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64), 100, np.uint8), format="gray")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    clip = read_clip(path, TWO)
    assert clip.notes == () and clip.frames[0, 0, 0].tolist() == [100, 100, 100]


def transparent(path: Path, codec: str, format: str) -> Path:
    """A clip that is red on the left, and on the right transparent above and half so below."""
    picture = np.full((64, 64, 4), 255, np.uint8)
    picture[:, :32] = (200, 40, 40, 255)
    picture[:32, 32:, 3], picture[32:, 32:, 3] = 0, 128
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=10, options={"auto-alt-ref": "0", "b": "2M"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, format
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [
        ("vp9.webm", "libvpx-vp9", "yuva420p"),
        ("vp8.webm", "libvpx", "yuva420p"),
        ("prores.mov", "prores_ks", "yuva444p10le"),
        ("animation.mov", "qtrle", "argb"),
        ("png.mov", "png", "rgba"),
        ("lossless.mkv", "ffv1", "bgra"),
    ],
)
def test_transparent_video_is_laid_on_black(tmp_path: Path, name: str, codec: str, format: str) -> None:
    clip = read_clip(transparent(tmp_path / name, codec, format), TWO)
    assert "transparent parts of the video are laid on black" in clip.notes
    corners = clip.frames[0][[8, 8, 56], [8, 56, 56]].astype(float)
    assert corners == pytest.approx(np.array([[200, 40, 40], [0, 0, 0], [128, 128, 128]]), abs=6)


def interlaced(path: Path, codec: str, options: dict[str, str], top: bool = True) -> None:
    """A white bar that moves on grey, each frame of two fields from two moments."""

    def moment(number: int) -> np.ndarray:
        picture = np.full((96, 128, 3), 128, np.uint8)
        at = 5 * number % 96
        picture[16:80, at : at + 32] = 255
        return picture

    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.flags |= 1 << 18 | 1 << 29  # interlaced DCT and motion estimation
        for index in range(10):
            first, second = moment(2 * index), moment(2 * index + 1)
            woven = first.copy() if top else second.copy()
            woven[1::2] = (second if top else first)[1::2]
            frame = av.VideoFrame.from_ndarray(woven, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("top.mpg", "mpeg2video", {"qmin": "1", "qmax": "2"}),
        ("top.mp4", "libx264", {"x264-params": "tff=1", "crf": "4", "bf": "2"}),
        ("bottom.mkv", "libx264", {"x264-params": "bff=1", "crf": "4"}),
    ],
)
def test_interlaced_frames_have_no_combs(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    path = tmp_path / name
    interlaced(path, codec, options, top=not name.startswith("bottom"))
    clip = read_clip(path, ClipSettings(frames="all"))
    assert fields.NOTE in clip.notes and len(clip.frames) == 10
    assert clip.times == pytest.approx(np.arange(10) / 25, abs=1e-3)
    for number, frame in enumerate(clip.frames):
        grey = frame.astype(int).mean(-1)
        combs = np.abs(2 * grey[1:-1] - grey[:-2] - grey[2:])[24:70].max(0)
        assert (combs > 80).sum() <= 1
        left = np.flatnonzero(grey[48] > 190)[0]
        assert abs(left - 10 * number % 96) <= 8 or number in (9,)  # where it is, and in order
    few = read_clip(path, ClipSettings(frames=5))
    assert few.frames[1:] == pytest.approx(clip.frames[2::2], abs=3)


def test_pictures_are_read_by_their_colour_profile(tmp_path: Path) -> None:
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert xyz  # a profile of another kind must not stop the reading
    Image.new("RGB", (8, 8), (200, 40, 40)).save(tmp_path / "odd.png", icc_profile=xyz)
    assert read_clip(tmp_path / "odd.png", ClipSettings(frames=1)).frames.shape == (1, 8, 8, 3)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (8, 8), (200, 40, 40)).save(tmp_path / "srgb.png", icc_profile=srgb)
    assert read_clip(tmp_path / "srgb.png", ClipSettings(frames=1)).frames[0, 0, 0].tolist() == [200, 40, 40]
    broken = tmp_path / "broken.png"
    Image.new("RGB", (8, 8), (200, 40, 40)).save(broken, icc_profile=b"nonsense")
    assert read_clip(broken, ClipSettings(frames=1)).frames[0, 0, 0].tolist() == [200, 40, 40]


@pytest.mark.parametrize(("value", "shown"), [(0.5, 127), (127.5, 127), (2.0, 2)])
def test_floats_fill_the_range(tmp_path: Path, value: float, shown: int) -> None:
    Image.fromarray(np.full((8, 8), value, np.float32)).save(tmp_path / "f.tif")
    assert read_clip(tmp_path / "f.tif", ClipSettings(frames=1)).frames[0, 0, 0, 0] == shown


def _streams(path: Path, kinds: Sequence[tuple[int, int, bool]]) -> Path:
    """A container of several video streams: each with its width, its frames, and whether it is the default one."""
    with av.open(str(path), "w") as output:
        streams = []
        for width, _, default in kinds:
            stream = output.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, width, "yuv420p"
            stream.disposition = av.stream.Disposition.default if default else 0
            streams.append(stream)
        packets = []
        for stream, (width, count, _) in zip(streams, kinds):
            for index in range(count):
                frame = av.VideoFrame.from_ndarray(np.full((width, width, 3), 90, np.uint8), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 10)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def two_streams(folder: Path) -> Path:
    """A container with a preview before the clip."""
    return _streams(folder / "clip.mkv", [(32, 10, False), (64, 10, True)])


@pytest.mark.parametrize(
    ("kinds", "taken"),
    [
        ([(32, 10, False), (64, 10, True)], 64),  # the default one
        ([(64, 10, False), (32, 10, True)], 32),
        ([(32, 10, False), (64, 10, False)], 64),  # the largest
        ([(64, 10, False), (32, 10, False)], 64),
        ([(64, 1, True), (32, 10, False)], 32),  # the one that moves
        ([(32, 10, True), (64, 10, True)], 64),  # all are the default one
        ([(32, 1, False), (64, 1, False)], 64),  # none moves
    ],
)
@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_of_several_streams_the_best_is_taken(
    tmp_path: Path, name: str, kinds: list[tuple[int, int, bool]], taken: int
) -> None:
    if name.endswith("mp4") and not any(default for _, _, default in kinds):
        pytest.skip("MP4 always has a default stream: the first, if no other")
    clip = read_clip(_streams(tmp_path / name, kinds), ClipSettings(frames="all"))
    assert clip.frames.shape[2] == taken
    assert f"({taken}x{taken}) is taken; left out: stream" in clip.notes[0]


def test_what_is_left_out_of_a_folder_is_named(tmp_path: Path) -> None:
    for index in range(3):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / f"img{index + 8}.png")
    Image.new("RGB", (8, 8), (3, 0, 0)).save(tmp_path / "img11", format="PNG")  # by its content
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / ".hidden").write_text("hidden")
    (tmp_path / "more").mkdir()
    clip = read_clip(tmp_path, ClipSettings(frames="all"))
    assert clip.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert clip.notes == ("left out of the folder, because they are no pictures: more, notes.txt",)
