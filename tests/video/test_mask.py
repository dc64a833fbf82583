"""Masks mean what they say, in whatever way they say it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from vp2p.errors import UsageError
from vp2p.settings import ClipSettings
from vp2p.video.mask import read_mask

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
