"""Videos written, then read back with the library's own reader and byte for byte."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Iterator

import av
import numpy as np
import pytest
from PIL import Image

from tests.video.makers import grey_levels, levels, ramp_frames
from vp2p.errors import UsageError, VideoError
from vp2p.settings import ClipSettings
from vp2p.video.reading import probe, read_clip
from vp2p.video.writing import write_video

ALL = ClipSettings(frames="all")


@pytest.mark.parametrize("rate", [Fraction(8), Fraction(40, 31), Fraction(30000, 1001), Fraction(1, 3)])
def test_mp4_keeps_frames_and_the_exact_rate(tmp_path: Path, rate: Fraction) -> None:
    path = tmp_path / "out.mp4"
    assert write_video(path, ramp_frames(10), rate) == ()
    clip = read_clip(path, ALL)
    assert clip.rate == rate
    assert levels(clip.frames) == pytest.approx(grey_levels(10), abs=2)
    assert clip.times == pytest.approx(np.arange(10) / float(rate), rel=1e-6)
    assert clip.end == pytest.approx(10 / float(rate))


def test_mp4_is_what_browsers_play(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    write_video(path, ramp_frames(4), Fraction(8))
    data = path.read_bytes()
    assert data[4:8] == b"ftyp" and 0 < data.index(b"moov") < data.index(b"mdat")
    assert b"colrnclx\0\x01\0\x01\0\x01\0" in data, "BT.709 in all, 16 to 235, also for players that read the container"
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_colours_survive_mp4(tmp_path: Path) -> None:
    frames = np.zeros((3, 64, 64, 3), dtype=np.uint8)
    frames[0], frames[1], frames[2] = (200, 30, 40), (30, 180, 60), (40, 60, 210)
    write_video(tmp_path / "out.mp4", frames, Fraction(8))
    read = read_clip(tmp_path / "out.mp4", ALL).frames
    assert np.abs(read.astype(int) - frames).max() <= 6


@pytest.mark.parametrize(("width", "height"), [(33, 21), (32, 21), (33, 20)])
def test_odd_sides_get_one_more_line(tmp_path: Path, width: int, height: int) -> None:
    frames = ramp_frames(3, width, height)
    write_video(tmp_path / "out.mp4", frames, Fraction(8))
    read = read_clip(tmp_path / "out.mp4", ALL).frames
    assert read.shape == (3, height + height % 2, width + width % 2, 3)
    assert np.abs(read[:, :height, :width].astype(int) - frames).max() <= 4
    assert np.abs(read[:, -1, -1].astype(int) - frames[:, -1, -1]).max() <= 4


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    for name in ("out.mp4", "out.gif", "out.webp"):
        first, second = tmp_path / f"1{name}", tmp_path / f"2{name}"
        write_video(first, frames, Fraction(8))
        write_video(second, frames, Fraction(8))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(("name", "off"), [("out.gif", 2), ("out.webp", 4)])
def test_animations_last_as_long_as_they_should(tmp_path: Path, name: str, off: int) -> None:
    path = tmp_path / name
    write_video(path, ramp_frames(9), Fraction(12))  # 83.3 ms a frame, no multiple of GIF's 10 ms
    info = probe(path)
    assert info.frames == 9
    assert info.seconds == pytest.approx(0.75, abs=0.005)
    assert levels(read_clip(path, ALL).frames) == pytest.approx(grey_levels(9), abs=off)
    with Image.open(path) as image:
        assert image.info["loop"] == 0


def test_png_writes_a_folder_that_reads_back_exactly(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), dtype=np.uint8)
    folder = tmp_path / "frames"
    write_video(folder, frames, Fraction(8))
    assert [path.name for path in sorted(folder.iterdir())][:2] == ["00001.png", "00002.png"]
    assert np.array_equal(read_clip(folder, ALL).frames, frames)
    write_video(folder, frames[:3], Fraction(8), format="png")  # a shorter second run leaves no old frame
    assert len(list(folder.iterdir())) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["frames"]


def test_png_never_replaces_a_folder_of_other_things(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(VideoError, match="not a folder of numbered PNG"):
        write_video(tmp_path / "home", ramp_frames(2), Fraction(8))
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_an_unknown_ending_and_a_missing_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="out.avi ends in .avi"):
        write_video(tmp_path / "out.avi", ramp_frames(2), Fraction(8))
    with pytest.raises(VideoError, match="There is no folder") as caught:
        write_video(tmp_path / "new" / "out.mp4", ramp_frames(2), Fraction(8))
    assert caught.value.hint == f"mkdir -p {tmp_path / 'new'}"


def test_the_format_wins_over_the_ending(tmp_path: Path) -> None:
    write_video(tmp_path / "out.bin", ramp_frames(2), Fraction(8), format="gif")
    assert probe(tmp_path / "out.bin").codec == "gif"


_LIMITED = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from vp2p.errors import VideoError
from vp2p.video.writing import write_video

limit, path = int(sys.argv[1]), Path(sys.argv[2])
frames = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    write_video(path, frames, Fraction(8))
except VideoError as error:
    print(error.cause, "|", error.hint)
else:
    print("written")
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file sizes")
@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out.webp", "out"])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    whole = tmp_path / "whole" / name
    whole.parent.mkdir()
    write_video(whole, frames, Fraction(8))
    largest = max(p.stat().st_size for p in (whole.iterdir() if whole.is_dir() else [whole]))
    target = tmp_path / "full"
    target.mkdir()
    for limit in (1000, largest - 1):
        command = [sys.executable, "-c", _LIMITED, str(limit), str(target / name)]
        said = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
        assert f"{name} cannot be written: File too large. | free some space" in said.stdout, said
        assert list(target.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file sizes")
@pytest.mark.parametrize("name", ["out.mp4", "out"])
def test_a_failure_keeps_what_was_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_video(path, ramp_frames(2), Fraction(8))
    before = read_clip(path, ALL).frames
    command = [sys.executable, "-c", _LIMITED, "1000", str(path)]
    said = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=60)
    assert "cannot be written" in said.stdout, said
    assert np.array_equal(read_clip(path, ALL).frames, before)
    assert list(tmp_path.iterdir()) == [path]


def test_frames_made_one_by_one_give_the_same_file(tmp_path: Path) -> None:
    frames = ramp_frames(9)

    class Made:
        def __len__(self) -> int:
            return len(frames)

        def __iter__(self) -> Iterator[np.ndarray]:
            yield from frames

    for name in ("one.mp4", "one.gif"):
        write_video(tmp_path / name, frames, Fraction(8))
        write_video(tmp_path / f"made-{name}", Made(), Fraction(8))
        assert (tmp_path / name).read_bytes() == (tmp_path / f"made-{name}").read_bytes()
