"""Masks mean what they say, in whatever way they say it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Callable

import av
import numpy as np
import pytest
from PIL import Image

from tests.video.makers import levels, ramp_frames
from vp2p.errors import UsageError
from vp2p.settings import ClipSettings
from vp2p.video.mask import match, read_mask
from vp2p.video.reading import read_clip

ALL = ClipSettings(frames="all")
SHAPE = np.zeros((32, 32), np.uint8)
SHAPE[8:24, 8:24] = 1


def _folder(tmp_path: Path, images: list[Image.Image], ending: str = "png") -> Path:
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number}.{ending}")
    return tmp_path


def _palette(labels: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(labels).convert("P")
    image.putdata(labels.ravel().tolist())
    image.putpalette(colours + [0] * (768 - len(colours)))
    return image


def _outlined(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    frames, notes = read_mask(path, ALL)
    return (frames.mean(-1) > 127)[0], notes


TWO = SHAPE.copy()
TWO[8:12] *= 2
MASKS = {
    "white": Image.fromarray(SHAPE * 255),
    "128": Image.fromarray(SHAPE * 128),
    "0 and 1": Image.fromarray(SHAPE),
    "labels": Image.fromarray(TWO),
    "dark": Image.fromarray(SHAPE * 64),
    "one bit": Image.fromarray(SHAPE * 255).convert("1"),
    "palette, dark red": _palette(SHAPE, [0, 0, 0, 128, 0, 0]),
    "palette, two objects": _palette(TWO, [0, 0, 0, 128, 0, 0, 0, 64, 0]),
    "palette, coloured ground": _palette(SHAPE, [40, 0, 90, 0, 0, 0]),
    "grey palette": _palette(SHAPE, [0, 0, 0, 255, 255, 255]),
    "colours": Image.fromarray(np.dstack([SHAPE * 64, SHAPE * 0, SHAPE * 0])),
    "transparency": Image.fromarray(np.dstack([SHAPE * 0 + 20] * 3 + [SHAPE * 255]), "RGBA"),
    "16 bit": Image.fromarray(SHAPE.astype(np.uint16) * 65535),
    "16 bit, 0 and 1": Image.fromarray(SHAPE.astype(np.uint16)),
    "16 bit, 0 and 255": Image.fromarray(SHAPE.astype(np.uint16) * 255),
    "float": Image.fromarray(SHAPE.astype(np.float32)),
}


@pytest.mark.parametrize("kind", MASKS)
def test_a_mask_outlines_what_it_says(tmp_path: Path, kind: str) -> None:
    image = MASKS[kind]
    white, notes = _outlined(_folder(tmp_path, [image], "tif" if image.mode == "F" else "png"))
    assert (white == (SHAPE > 0)).all()
    assert all(note.startswith("the mask") for note in notes)
    assert bool(notes) == (kind in ("0 and 1", "labels", "dark", "colours", "16 bit, 0 and 1"))


def test_smooth_rims_are_cut_in_the_middle(tmp_path: Path) -> None:
    ramp = np.repeat(np.arange(0, 256, 8, dtype=np.uint8)[None], 32, 0)
    white, notes = _outlined(_folder(tmp_path, [Image.fromarray(ramp)]))
    assert (white == (ramp > 127)).all() and notes == ()


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_black_mask_is_refused(tmp_path: Path, ending: str) -> None:
    black = Image.fromarray(SHAPE * 0)
    with pytest.raises(UsageError, match="black in all frames"):
        read_mask(_folder(tmp_path, [black, black], ending), ALL)


def test_one_white_frame_is_enough(tmp_path: Path) -> None:
    frames, _ = read_mask(_folder(tmp_path, [Image.fromarray(SHAPE * 0), Image.fromarray(SHAPE * 255)]), ALL)
    assert (frames.mean((1, 2, 3)) > 0).tolist() == [False, True]


def _video(path: Path, codec: str, pictures: np.ndarray, format: str) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=10, options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 32, 32, format
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="gray")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame.reformat(format=format)))
        output.mux(stream.encode(None))
    return path


def test_compression_is_no_label(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 12, (3, 32, 32), dtype=np.uint8)
    with pytest.raises(UsageError, match="black in all frames"):
        read_mask(_video(tmp_path / "dark.mp4", "libx264", noise, "yuv420p"), ALL)
    noisy = np.maximum(noise, SHAPE[None] * 235)
    white, notes = _outlined(_video(tmp_path / "mask.mp4", "libx264", noisy, "yuv420p"))
    assert (white != (SHAPE > 0)).mean() < 0.03 and not any("values" in note for note in notes)


def test_a_video_that_keeps_its_values_may_hold_labels(tmp_path: Path) -> None:
    white, notes = _outlined(_video(tmp_path / "mask.mkv", "ffv1", SHAPE[None].repeat(3, 0), "gray"))
    assert (white == (SHAPE > 0)).all() and notes == ("the mask holds the values 0, 1: all but 0 are outlined",)


def _counting(folder: Path, count: int, size: tuple[int, int] = (64, 48)) -> Path:
    """A folder of masks, each white in the column of its own number."""
    folder.mkdir()
    for number in range(count):
        pixels = np.zeros((size[1], size[0]), np.uint8)
        pixels[:, number] = 255
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    return folder


def _numbers(path: Path, video: Path, clip: ClipSettings, count: int) -> tuple[list[int], tuple[str, ...]]:
    """Which of the counting masks were taken for a clip's frames, and the notes."""
    found = match(path, video, clip, count)
    frames, _ = read_mask(path, found.settings, found.by_times)
    return [int(frame.mean(axis=(0, 2)).argmax()) for frame in frames], found.notes


@pytest.mark.parametrize(
    "clip",
    [ClipSettings(4, start=0.5), ClipSettings(4), ClipSettings("all", start=0.5, end=0.9), ClipSettings(3, stride=5)],
    ids=str,
)
def test_a_mask_for_each_frame_of_the_video_goes_with_its_own(
    tmp_path: Path, make_video: Callable[..., Path], clip: ClipSettings
) -> None:
    """The pictures have no times of their own: by the rate that is guessed for them, others would be taken."""
    video = make_video(frames=ramp_frames(20), rate=20)
    chosen = levels(read_clip(video, clip).frames)
    every = levels(read_clip(video, ALL).frames)
    wanted = [int(np.abs(np.array(every) - level).argmin()) for level in chosen]
    assert _numbers(_counting(tmp_path / "masks", 20), video, clip, len(wanted)) == (wanted, ())


def test_a_mask_of_other_length_or_shape_is_noted(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    video = make_video(frames=ramp_frames(20), rate=20)
    numbers, notes = _numbers(_counting(tmp_path / "short", 10), video, ClipSettings(5), 5)
    assert numbers == [0, 2, 4, 6, 8]
    assert len(notes) == 1 and "10 frames in 1.25 seconds, the video 20 in 1.00" in notes[0]
    _, notes = _numbers(_counting(tmp_path / "wide", 5, (96, 48)), video, ClipSettings(5), 5)
    assert len(notes) == 1 and "96x48" in notes[0] and "64x48" in notes[0]


def test_a_mask_goes_with_frames_whose_video_is_gone(tmp_path: Path) -> None:
    masks = _counting(tmp_path / "masks", 6)
    assert _numbers(masks, tmp_path / "gone.mp4", ClipSettings(3), 3) == ([0, 2, 4], ())
    assert _numbers(masks, tmp_path / "gone.mp4", ClipSettings(6), 6)[0] == [0, 1, 2, 3, 4, 5]


def test_labels_far_apart_are_all_outlined(tmp_path: Path) -> None:
    labels = np.zeros((32, 32), np.uint8)
    labels[:8], labels[8:16] = 38, 113
    found, notes = _outlined(_folder(tmp_path, [Image.fromarray(labels)]))
    assert np.array_equal(found, labels > 0)
    assert notes == ("the mask holds the values 0, 38, 113: all but 0 are outlined",)
