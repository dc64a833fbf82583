"""Clips of every kind read as upright RGB frames."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Callable

import av
import numpy as np
import pytest
from PIL import Image

from tests.video.makers import grey_levels, levels, ramp_frames, tone
from vp2p.errors import UsageError, VideoError
from vp2p.settings import ClipSettings
from vp2p.video.reading import SpanFrames, probe, read_clip

ALL = ClipSettings(frames="all")
MakeVideo = Callable[..., Path]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mkv", "libx264", "yuv420p"),
        ("clip.webm", "libvpx-vp9", "yuv420p"),
        ("clip.avi", "mpeg4", "yuv420p"),
        ("clip.mov", "png", "rgb24"),
        ("clip.ts", "libx264", "yuv420p"),
        ("clip.mpg", "mpeg2video", "yuv420p"),
        ("clip.h264", "libx264", "yuv420p"),  # carries no time at all
    ],
)
def test_containers_give_all_frames_in_order(make_video: MakeVideo, name: str, codec: str, pixel_format: str) -> None:
    rate = 25 if name.endswith(("mpg", "h264")) else 10
    path = make_video(name, codec=codec, pixel_format=pixel_format, rate=rate)
    clip = read_clip(path, ALL)
    assert clip.frames.shape == (10, 48, 64, 3) and clip.frames.dtype == np.uint8
    assert levels(clip.frames) == pytest.approx(grey_levels(10), abs=4)
    assert clip.times == pytest.approx(np.arange(10) / rate, abs=2e-3)
    assert clip.rate == rate and clip.total == 10
    assert (clip.start, clip.end) == (0.0, pytest.approx(10 / rate, abs=2e-3))


def test_probe_says_what_a_clip_is(make_video: MakeVideo) -> None:
    info = probe(make_video(audio="aac"))
    assert (info.width, info.height, info.frames, info.rate) == (64, 48, 10, 10)
    assert info.seconds == pytest.approx(1.0)
    assert (info.codec, info.audio) == ("h264", "aac")


def test_frames_after_a_seek_are_the_right_ones(make_video: MakeVideo) -> None:
    path = make_video(frames=ramp_frames(60), options={"g": "12", "bf": "3"})
    clip = read_clip(path, ClipSettings(frames=4, start=4.0, end=5.0))
    assert clip.times.tolist() == pytest.approx([4.0, 4.2, 4.5, 4.7])
    assert levels(clip.frames) == pytest.approx([grey_levels(60)[i] for i in (40, 42, 45, 47)], abs=3)


def test_colour_is_read_as_it_was_tagged(make_video: MakeVideo) -> None:
    frames = np.zeros((3, 48, 64, 3), dtype=np.uint8)
    frames[:] = (200, 40, 60)
    clip = read_clip(make_video("clip.mkv", frames=frames, codec="ffv1", pixel_format="yuv444p"), ALL)
    assert np.abs(clip.frames.astype(int) - frames).max() <= 3


CORNER = np.zeros((4, 32, 64, 3), dtype=np.uint8)
CORNER[:, :16, :32] = 255  # the top left quarter is white


@pytest.mark.parametrize(
    ("degrees", "mirrored", "white_corner", "size"),
    [
        (0.0, False, (0, 0), (64, 32)),
        (90.0, False, (1, 0), (32, 64)),  # counter-clockwise: top left goes to bottom left
        (180.0, False, (1, 1), (64, 32)),
        (-90.0, False, (0, 1), (32, 64)),
        (0.0, True, (0, 1), (64, 32)),
        (180.0, True, (1, 0), (64, 32)),
        (90.0, True, (1, 1), (32, 64)),  # turned to bottom left, then mirrored to bottom right
        (-90.0, True, (0, 0), (32, 64)),
    ],
)
def test_turned_clips_come_out_upright(
    make_video: MakeVideo, degrees: float, mirrored: bool, white_corner: tuple[int, int], size: tuple[int, int]
) -> None:
    path = make_video(frames=CORNER, turn=(degrees, mirrored))
    frame = read_clip(path, ALL).frames[0].astype(int)
    height, width = frame.shape[:2]
    assert (width, height) == size
    means = frame.reshape(2, height // 2, 2, width // 2, 3).mean(axis=(1, 3, 4))
    assert np.unravel_index(means.argmax(), means.shape) == white_corner
    info = probe(path)
    assert (info.width, info.height) == size


def test_times_of_a_clip_of_varying_rate_are_its_own(make_video: MakeVideo) -> None:
    times = [Fraction(t, 1000) for t in (0, 40, 80, 120, 160, 1200, 1600, 2000, 2040, 2080)]
    path = make_video("varying.mkv", times=times, rate=25)
    clip = read_clip(path, ALL)
    assert clip.times == pytest.approx([float(t) for t in times], abs=1e-3)
    some = read_clip(path, ClipSettings(frames=2))
    assert some.times == pytest.approx([0.0, 0.16], abs=1e-3)  # held until 1.2, so on the screen half way
    assert levels(some.frames) == pytest.approx([grey_levels(10)[0], grey_levels(10)[4]], abs=4)


def test_stretched_pixels_are_made_square(tmp_path: Path) -> None:
    wide = tmp_path / "wide.mkv"
    with av.open(str(wide), "w") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)
        for pixels in ramp_frames(3):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    assert read_clip(wide, ALL).frames.shape == (3, 48, 96, 3)


def test_alpha_in_a_video_is_black(make_video: MakeVideo) -> None:
    frames = np.full((2, 16, 16, 4), 200, dtype=np.uint8)
    frames[:, :, :8, 3] = 0
    frames[:, :, 8:, 3] = 255
    clip = read_clip(make_video("clip.mov", frames=frames, codec="png", pixel_format="rgba"), ALL)
    assert not clip.frames[:, :, :8].any()
    assert (clip.frames[:, :, 8:] == 200).all()


@pytest.mark.parametrize(("ending", "options"), [("gif", {}), ("webp", {"lossless": True}), ("png", {})])
def test_animations_keep_their_own_times(tmp_path: Path, ending: str, options: dict[str, object]) -> None:
    path = tmp_path / f"clip.{ending}"
    images = [Image.fromarray(frame) for frame in ramp_frames(5)]
    durations = [100, 100, 200, 300, 100]
    images[0].save(path, save_all=True, append_images=images[1:], duration=durations, loop=0, **options)
    clip = read_clip(path, ALL)
    assert clip.times.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.7])
    assert levels(clip.frames) == pytest.approx(grey_levels(5), abs=1)
    info = probe(path)
    assert (info.frames, info.codec, info.audio) == (5, ending, None)
    assert info.seconds == pytest.approx(0.8)


def test_folders_are_read_in_natural_order(tmp_path: Path) -> None:
    for number, frame in zip((1, 2, 3, 10, 20), ramp_frames(5)):
        Image.fromarray(frame).save(tmp_path / f"img{number}.png")
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / ".hidden.png").write_bytes(b"")
    clip = read_clip(tmp_path, ALL)
    assert levels(clip.frames) == grey_levels(5)
    assert clip.rate == 8 and clip.times.tolist() == [0.0, 0.125, 0.25, 0.375, 0.5]


def test_folders_may_mix_formats_under_wrong_endings(tmp_path: Path) -> None:
    levels_in = grey_levels(4)
    for number, (level, form) in enumerate(zip(levels_in, ("PNG", "JPEG", "TIFF", "WEBP")), start=1):
        Image.new("RGB", (32, 24), (level,) * 3).save(tmp_path / f"{number}.jpg", format=form)
    assert levels(read_clip(tmp_path, ALL).frames) == pytest.approx(levels_in, abs=2)


def test_alpha_sixteen_bits_and_palettes_in_images(tmp_path: Path) -> None:
    half = np.full((24, 32, 4), 200, dtype=np.uint8)
    half[:, :16, 3] = 128
    half[:, 16:, 3] = 255
    Image.fromarray(half).save(tmp_path / "1.jpg", format="TIFF")
    Image.fromarray(np.full((24, 32), 40000, dtype=np.uint16)).save(tmp_path / "2.png")
    Image.new("P", (32, 24), 0).save(tmp_path / "3.png", transparency=0)
    frames = read_clip(tmp_path, ALL).frames
    assert frames[0, 0, 0, 0] == pytest.approx(100, abs=1) and frames[0, 0, 20, 0] == 200
    assert (frames[1] == 40000 >> 8).all()
    assert not frames[2].any()


def test_photos_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned clockwise
    Image.fromarray(CORNER[0]).save(tmp_path / "1.jpg", exif=exif)
    frame = read_clip(tmp_path, ALL).frames[0]
    assert frame.shape == (64, 32, 3)
    assert frame[5, 25].mean() > 250 and frame[5, 5].mean() < 5
    assert read_clip(tmp_path / "1.jpg", ALL).frames.shape == (1, 64, 32, 3)


def test_a_video_under_a_wrong_ending_is_read(make_video: MakeVideo) -> None:
    path = make_video()
    wrong = path.with_name("clip.gif")
    path.rename(wrong)
    assert read_clip(wrong, ALL).frames.shape[0] == 10


@pytest.mark.parametrize("name", ["clip.mkv", "clip.ts", "clip.mp4"])
def test_a_file_cut_short_gives_what_is_there(make_video: MakeVideo, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 48, 64, 3), dtype=np.uint8)
    options = {"movflags": "+faststart"} if name.endswith("mp4") else {}
    path = make_video(name, frames=noise, options={"g": "5"}, container_options=options)
    whole = read_clip(path, ALL).frames
    os.truncate(path, path.stat().st_size // 2)
    clip = read_clip(path, ALL)
    assert 3 <= len(clip.frames) < 20
    assert np.array_equal(clip.frames[:3], whole[:3])
    assert len(read_clip(path, ClipSettings(frames=3)).frames) == 3
    with pytest.raises(UsageError, match="--frames 20 is more than"):
        read_clip(path, ClipSettings(frames=20))


def test_a_gif_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "clip.gif"
    noise = np.random.default_rng(0).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)
    images = [Image.fromarray(frame) for frame in noise]
    images[0].save(path, save_all=True, append_images=images[1:], duration=100)
    os.truncate(path, path.stat().st_size // 2)
    assert 1 <= len(read_clip(path, ALL).frames) < 6


def test_a_file_cut_before_its_first_frame_is_refused(make_video: MakeVideo) -> None:
    path = make_video()  # its index comes last and is lost
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(VideoError, match="clip.mp4"):
        read_clip(path, ALL)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="There is no file or folder .*gone.mp4"):
        probe(tmp_path / "gone.mp4")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(VideoError, match=r"empty.mp4 is empty \(0 bytes\)"):
        read_clip(path, ALL)


@pytest.mark.parametrize("name", ["story.txt", "story.mp4", "story.nfo", "list.m3u8"])
def test_a_text_file_is_no_video(make_video: MakeVideo, tmp_path: Path, name: str) -> None:
    make_video("part.ts")
    path = tmp_path / name
    path.write_text(
        "#EXTM3U\n#EXTINF:1,\npart.ts\n#EXT-X-ENDLIST\n" if name.endswith("m3u8") else "once upon a time\n" * 99
    )
    with pytest.raises(VideoError, match=f"{name} is not a video or an image") as caught:
        read_clip(path, ALL)
    assert "MP4" in caught.value.hint


def test_a_folder_without_images_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image here")
    with pytest.raises(VideoError, match="There are no images in the folder"):
        read_clip(tmp_path, ALL)


def test_a_broken_image_in_a_folder_is_named(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"not a png")
    with pytest.raises(VideoError, match="2.png is not an image"):
        read_clip(tmp_path, ALL)
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "2.png")
    os.truncate(tmp_path / "2.png", 600)
    with pytest.raises(VideoError, match="2.png cannot be read"):
        read_clip(tmp_path, ALL)


def test_images_of_two_sizes_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "1.png")
    Image.new("RGB", (64, 24)).save(tmp_path / "2.png")
    with pytest.raises(VideoError, match="1.png is 32x24, but 2.png is 64x24"):
        probe(tmp_path)


def test_sound_without_a_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=48000)
        for packet in tone(stream, 1.0):
            output.mux(packet)
    with pytest.raises(VideoError, match="song.m4a holds only sound"):
        read_clip(path, ALL)


def test_more_frames_than_there_are_is_refused_with_their_number(make_video: MakeVideo) -> None:
    with pytest.raises(UsageError) as caught:
        read_clip(make_video(), ClipSettings(frames=24))
    assert caught.value.cause == "--frames 24 is more than clip.mp4 has: 10 frames."
    assert caught.value.hint.startswith("--frames 10")


def test_a_start_after_the_clip_is_refused(make_video: MakeVideo) -> None:
    with pytest.raises(UsageError, match="--start 3 is after the end of clip.mp4, which lasts 1.00 seconds"):
        read_clip(make_video(), ClipSettings(start=3.0))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(make_video: MakeVideo) -> None:
    path = make_video()
    path.chmod(0)
    with pytest.raises(VideoError, match="You may not read"):
        read_clip(path, ALL)


def test_only_chosen_frames_are_held(make_video: MakeVideo) -> None:
    import tracemalloc

    path = make_video(frames=ramp_frames(120, 320, 240), options={"preset": "ultrafast"})
    read_clip(path, ClipSettings(frames=2))
    tracemalloc.start()
    read_clip(path, ClipSettings(frames=2))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 320 * 240 * 3  # the whole clip would take 120 frames


@pytest.mark.parametrize(
    ("name", "size", "total"),
    [
        ("rabbit-watermelon.mp4", (718, 718), 186),
        ("car-turn.mp4", (480, 480), 80),
        ("rabbit-jump", (295, 295), 8),
        ("car-drive", (200, 200), 8),
    ],
)
def test_real_clips(shared_clips: Path, name: str, size: tuple[int, int], total: int) -> None:
    clip = read_clip(shared_clips / name, ClipSettings())
    assert clip.frames.shape == (8, size[1], size[0], 3)
    assert clip.total == total
    assert clip.frames.std() > 20


@pytest.mark.parametrize(
    "settings",
    [
        ClipSettings(4),
        ClipSettings("all", start=0.5, end=1.25),
        ClipSettings(3, fps=4.0, start=0.4),
        ClipSettings("all", stride=5),
    ],
)
def test_the_span_of_chosen_frames_holds_all_between(make_video: MakeVideo, settings: ClipSettings) -> None:
    path = make_video(frames=ramp_frames(20), rate=10)
    chosen, span = read_clip(path, settings), SpanFrames(path, settings)
    pictures = list(span.each(range(len(span))))
    assert len(span) == len(pictures) and span.size == (pictures[0].shape[1], pictures[0].shape[0])
    assert all(np.array_equal(pictures[place], one) for place, one in zip(span.sampled, chosen.frames, strict=True))
    every = read_clip(path, ClipSettings("all")).frames
    first = next(at for at, one in enumerate(every) if np.array_equal(one, pictures[0]))
    assert np.array_equal(np.stack(pictures), every[first : first + len(span)])
    assert span.timing.span is not None and span.timing.rate == 10
    assert span.timing.span[0] == chosen.start and abs(span.timing.span[1] - min(chosen.end, 2.0)) < 0.06
    assert np.array_equal(list(span.each([1, 3]))[1], pictures[3])


def test_a_frame_that_does_not_decode_is_the_one_before_it(make_video: MakeVideo) -> None:
    span = SpanFrames(make_video(frames=ramp_frames(6), rate=10), ClipSettings(2))
    every = list(span.each(range(6)))
    whole = span._source.each
    span._source.each = lambda wanted: (one for one in whole(wanted) if one[0] != 3)  # type: ignore[method-assign]
    assert np.array_equal(list(span.each(range(6)))[3], every[2])
