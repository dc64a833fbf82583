"""The mask that was painted, kept as a picture that ``--mask`` takes."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vp2p.errors import ArtifactError, UsageError
from vp2p.ui.pictures import attention, frame_to_paint, keep_mask
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


def test_a_frame_has_the_shape_of_the_video(root: Path) -> None:
    workspace = Root(root).workspace("walk")
    assert (frame_to_paint(workspace).width, frame_to_paint(workspace).height) == (768, 768)
    workspace.video.unlink()
    assert frame_to_paint(workspace).address.startswith("data:image/webp;base64,")


def test_attention_is_of_the_words_that_were_looked_at(root: Path) -> None:
    assert [one.word for one in attention(Root(root).workspace("walk"))] == ["cat"]
