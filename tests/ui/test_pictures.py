"""The mask that was painted, kept as a picture that ``--mask`` takes."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vp2p.errors import ArtifactError, UsageError
from vp2p.ui.pictures import attention, frames_to_mark, keep_mask
from vp2p.ui.root import Root


def address(pixels: np.ndarray, format: str = "PNG") -> str:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def test_what_is_painted_is_white(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    painted = np.zeros((8, 8, 4), np.uint8)
    painted[2:5, 3:6] = (255, 45, 149, 255)
    place = keep_mask(workspace, address(painted))
    assert place is not None and place.startswith("ui/masks/")
    kept = np.asarray(Image.open(workspace.folder / place))
    assert np.array_equal(kept > 0, painted[..., 3] > 0)
    assert keep_mask(workspace, "") is None and keep_mask(workspace, address(painted * 0)) is None


def test_what_is_no_mask_is_refused(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    large = np.full((4, 900, 4), 255, np.uint8)
    for given in (
        "x",
        "data:image/png;base64,###",
        "data:image/png;base64,AAAA",
        address(large),
        address(large[:, :4, :3], "JPEG"),
    ):
        with pytest.raises(UsageError):
            keep_mask(workspace, given)
    (workspace.folder / "ui").symlink_to(root, target_is_directory=True)
    with pytest.raises(ArtifactError):
        keep_mask(workspace, address(large[:, :4]))


def test_frames_have_the_shape_of_the_video_and_their_places(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    frames = frames_to_mark(workspace)
    assert [(one.place, one.width, one.height) for one in frames] == [(0, 768, 768), (1, 768, 768)]
    assert frames[0].address != frames[1].address
    workspace.video.unlink()
    assert [one.place for one in frames_to_mark(workspace)] == [0, 1]
    assert all(one.address.startswith("data:image/webp;base64,") for one in frames_to_mark(workspace))


def test_attention_is_of_the_words_that_were_looked_at(root: Path) -> None:
    assert [one.word for one in attention(Root(root).workspace("walk"))] == ["cat"]
