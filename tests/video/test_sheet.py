"""Contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.video.makers import grey_levels, ramp_frames
from vp2p.errors import VideoError
from vp2p.video.sheet import contact_sheet


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def test_small_frames_are_enlarged_pixel_by_pixel_in_order(tmp_path: Path) -> None:
    frames = np.zeros((2, 4, 4, 3), dtype=np.uint8)
    frames[0, 0, 0] = (255, 0, 0)
    frames[1, 3, 3] = (0, 0, 255)
    contact_sheet([("source", frames)], tmp_path / "sheet.png")
    sheet = read(tmp_path / "sheet.png")
    red = np.argwhere((sheet == (255, 0, 0)).all(axis=-1))
    blue = np.argwhere((sheet == (0, 0, 255)).all(axis=-1))
    assert len(red) == len(blue) == 32 * 32  # each pixel 32 times as wide and as high: 4 becomes 128
    assert red[:, 1].max() < blue[:, 1].min() and red[:, 0].max() < blue[:, 0].min()


def test_columns_stand_apart_under_their_labels_and_under_a_row_of_fewer(tmp_path: Path) -> None:
    def row(*greys: int) -> np.ndarray:
        return np.stack([np.full((128, 128, 3), (grey, 0, 255), np.uint8) for grey in greys])

    rows = [("source", row(100)), ("one", row(110, 120)), ("two", row(130, 140))]
    sheets = []
    for columns in ([], ["left", "right"]):
        contact_sheet(rows, tmp_path / "sheet.png", columns=columns)
        sheets.append(read(tmp_path / "sheet.png"))
    at = [{grey: np.argwhere((sheet == (grey, 0, 255)).all(-1)) for grey in range(100, 150, 10)} for sheet in sheets]
    plain, labelled = ({grey: tuple(found.min(0)) for grey, found in each.items()} for each in at)
    line = sheets[1].shape[0] - sheets[0].shape[0]
    assert line > 0 and labelled[100] == plain[100]
    assert labelled[110] == (plain[110][0] + line, plain[110][1]) and labelled[120][1] > plain[120][1]
    assert labelled[110][1] == labelled[130][1] and labelled[120][1] == labelled[140][1]
    label = sheets[1][labelled[100][0] + 128 : labelled[110][0], labelled[120][1] :]
    assert label.min() < 80  # "right"


def test_rows_stand_under_one_another_with_dark_labels(tmp_path: Path) -> None:
    rows = [("source", ramp_frames(4, 128, 128)), ("cat=dog", ramp_frames(4, 128, 128))]
    contact_sheet(rows, tmp_path / "two.png")
    contact_sheet(rows[:1], tmp_path / "one.png")
    two, one = read(tmp_path / "two.png"), read(tmp_path / "one.png")
    assert two.shape[1] == one.shape[1] and two.shape[0] > one.shape[0] + 128
    top = two[:40]
    assert top.min() < 80  # the ink
    assert np.median(top) > 240  # the paper
    assert not np.array_equal(two[:40], two[one.shape[0] - 16 :][:40])  # other words


def test_long_clips_show_eight_frames_from_first_to_last(tmp_path: Path) -> None:
    contact_sheet([("source", ramp_frames(50, 128, 128))], tmp_path / "sheet.png")
    sheet = read(tmp_path / "sheet.png")
    middle = sheet[sheet.shape[0] - 60]
    runs = [int(v) for i, v in enumerate(middle[:, 0]) if i == 0 or v != middle[i - 1, 0]]
    shown = [v for v in runs if v != 250]
    assert len(shown) == 8
    assert (shown[0], shown[-1]) == (grey_levels(50)[0], grey_levels(50)[-1])


def test_large_frames_are_reduced(tmp_path: Path) -> None:
    contact_sheet([("source", ramp_frames(8, 1920, 1080))], tmp_path / "sheet.png")
    assert read(tmp_path / "sheet.png").shape[1] < 8 * 270


@pytest.mark.parametrize("label", ["a rabbit is eating a watermelon " * 12, "x" * 400, ""])
def test_long_labels_do_not_widen_the_sheet(tmp_path: Path, label: str) -> None:
    contact_sheet([("short", ramp_frames(2))], tmp_path / "short.png")
    contact_sheet([(label, ramp_frames(2))], tmp_path / "long.png")
    short, long = read(tmp_path / "short.png"), read(tmp_path / "long.png")
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] - short.shape[0] <= 30
    assert (long[:, -10:] == (250, 250, 248)).all()  # nothing runs into the margin


def test_a_sheet_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="sheet.png cannot be written"):
        contact_sheet([("source", ramp_frames(2))], tmp_path / "missing" / "sheet.png")
