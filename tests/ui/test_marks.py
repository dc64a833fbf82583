"""Points that were clicked, as the command takes them."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from tests.video.makers import ramp_frames
from vp2p.errors import UsageError
from vp2p.ui.marks import clicked_points
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of a video of 64x48."""
    write_video(tmp_path / "clip.mp4", ramp_frames(2), Fraction(8))
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "vp2p.yaml").write_text("format: 1\nvideo: ../clip.mp4\nprompt: a cat\n")
    return Workspace(tmp_path / "walk")


def test_points_are_pixels_of_the_video(workspace: Workspace) -> None:
    clicked = [[0.5, 0.25, True, 0], [0, 1, False, 0], [1, 0, True, 1]]
    assert clicked_points(workspace, json.dumps(clicked)) == ["31.5,11.5@1", "-0,47@1", "63,0@2"]
    assert clicked_points(workspace, "") == clicked_points(workspace, "[]") == []


def test_without_the_video_they_are_percents_of_the_kept_frame(workspace: Workspace) -> None:
    workspace.video.unlink()
    assert clicked_points(workspace, "[[0.5, 0.25, true, 2]]") == ["50%,25%@3"]


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "{}x",
        "[1]",
        "[[1, 2]]",
        "[[0.5, 1.5, true, 0]]",
        "[[NaN, 0, true, 0]]",
        "[[0, 0, true, -1]]",
        "[[0, 0, true, 1e999]]",
        "[" * 99_999,
        "5",
        "null",
    ],
)
def test_what_is_no_point_is_refused(workspace: Workspace, given: str) -> None:
    with pytest.raises(UsageError):
        clicked_points(workspace, given)


def test_one_point_must_be_on_the_object(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="on the object"):
        clicked_points(workspace, "[[0.5, 0.5, false, 0]]")
    with pytest.raises(UsageError, match="at most"):
        clicked_points(workspace, json.dumps([[0.5, 0.5, True, 0]] * 33))
