"""Pictures of structure: edges of frames, and control videos that are matched with a clip's frames."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import moving_square, save_clip
from vp2p.errors import UsageError
from vp2p.pipeline.clips import read_clip
from vp2p.video.clip import Clip
from vp2p.video.structure import canny, soft_edges, structure_pictures


def _square(side: int = 64) -> np.ndarray:
    frames = np.zeros((2, side, side, 3), np.uint8)
    frames[:, 16:48, 16:48] = 200
    frames[1, 24:40, 24:40, 0] = 90  # told by its colour
    return frames


def test_canny_is_opencv_s() -> None:
    found = canny(_square())
    assert found.dtype == np.uint8 and found.shape == (2, 64, 64, 3)
    assert np.array_equal(found[1, ..., 2], cv2.Canny(_square()[1], 100, 200))
    assert set(np.unique(found)) == {0, 255} and found[0, 30, 30].max() == 0 and found[0, 30, 14:18].max() == 255


def test_soft_edges_are_bright_where_the_picture_changes() -> None:
    found = soft_edges(_square())
    assert found.dtype == np.uint8 and found.shape == (2, 64, 64, 3)
    assert found[0, 30, 16].min() > 200 and found[0, 30, 30].max() < 10 and found[0, 4, 4].max() < 10
    assert found[1, 30, 24].min() > 60  # an edge of one colour
    assert np.unique(found).size > 10  # soft
    assert not soft_edges(np.full((1, 16, 16, 3), 90, np.uint8)).any()


def test_pictures_that_are_given_come_first() -> None:
    frames = _square()
    own = np.full_like(frames, 7)
    assert structure_pictures("canny", frames, {"canny": own}) is own
    assert np.array_equal(structure_pictures("canny", frames, {"depth": own}), canny(frames))
    with pytest.raises(UsageError, match="depth needs pictures") as caught:
        structure_pictures("depth", frames, {})
    assert "--control-video depth=depth.mp4" in caught.value.hint
    with pytest.raises(UsageError, match="one picture for each frame|shape"):
        structure_pictures("depth", frames, {"depth": own[:1]})


def test_a_control_video_is_sampled_and_fitted_as_the_clip(tmp_path: Path) -> None:
    frames = moving_square(6, 64)
    save_clip(tmp_path / "clip.mp4", frames)
    wide = np.full((6, 64, 128, 3), 20, np.uint8)
    wide[:, :, 32:96] = 10 + 40 * np.arange(6, dtype=np.uint8)[:, None, None, None]
    save_clip(tmp_path / "depth.mp4", wide, sound=False)
    clip = read_clip(
        tmp_path / "clip.mp4", frames=2, start=0.5, size="32", control_video=[f"depth={tmp_path / 'depth.mp4'}"]
    )
    assert clip.control["depth"].shape == (2, 64, 128, 3)
    assert any("same shape" in note and "control video of depth" in note for note in clip.notes)
    fitted = clip.fitted(64, 8)
    assert fitted.control["depth"].shape == fitted.pixels.shape == (2, 32, 32, 3)
    plain = read_clip(tmp_path / "clip.mp4", frames=2, start=0.5)
    chosen = [int(np.abs(frames.astype(int) - one).mean((1, 2, 3)).argmin()) for one in plain.pixels]
    middle = fitted.control["depth"].astype(int).mean((1, 2, 3))  # the sides are cut off, as the clip's would be
    assert np.abs(middle - [10 + 40 * frame for frame in chosen]).max() < 6


def test_one_picture_holds_for_all_frames(tmp_path: Path) -> None:
    save_clip(tmp_path / "clip.mp4", moving_square(4, 32))
    cv2.imwrite(str(tmp_path / "depth.png"), np.full((32, 32, 3), 99, np.uint8))
    clip = read_clip(tmp_path / "clip.mp4", frames=4, control_video=[f"depth={tmp_path / 'depth.png'}"])
    assert (clip.control["depth"] == 99).all() and len(clip.control["depth"]) == 4
    assert any("one picture" in note for note in clip.notes)


def test_arrays_as_pictures() -> None:
    clip = Clip.of(_square(), control={"depth": _square(128)}).fitted(32, 8)
    assert clip.control["depth"].shape == clip.pixels.shape == (2, 32, 32, 3)
