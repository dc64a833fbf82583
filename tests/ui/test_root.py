"""Names from the browser lead to the listed workspaces and models, and nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from vp2p.errors import NoWorkspaceError, UsageError, Vp2pError
from vp2p.ui.making import Wanted, make
from vp2p.ui.root import Root


def test_only_listed_workspaces_are_opened(root: Path) -> None:
    shutil.copytree(root / "walk", root.parent / "outside")
    (root / "link").symlink_to(root.parent / "outside", target_is_directory=True)
    here = Root(root)
    assert here.names() == ["walk"]
    assert here.workspace("walk").folder == (root / "walk").resolve()
    for name in ("../outside", "link", str(root.parent / "outside"), "walk/../walk", "", ".", "walk\0"):
        with pytest.raises(NoWorkspaceError):
            here.workspace(name)


def test_one_workspace_can_be_shown_alone(root: Path) -> None:
    here = Root(root / "walk")
    assert here.names() == ["walk"] and here.workspace("walk").folder == (root / "walk").resolve()
    with pytest.raises(UsageError):
        here.new_name("other", "")


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "-rf", "x" * 99, "a\nb", "walk", "WALK", "cat"])
def test_names_that_a_workspace_may_not_have(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Root(root).new_name(name, "a cat")


def test_a_name_is_made_of_the_prompt(root: Path) -> None:
    (root / "a-cat").mkdir()
    assert Root(root).new_name(" ", "a cat!") == "a-cat-2"
    assert Root(root).new_name("", "???") == "clip"


@pytest.mark.parametrize(
    ("clip", "prompt", "model"),
    [(None, "a cat", "tiny"), ("clip.mp4", " ", "tiny"), ("clip.mp4", "a cat", "../tiny"), ("clip.mp4", "a cat", "/x")],
)
def test_what_is_missing_is_told_and_leaves_nothing(root: Path, clip: str | None, prompt: str, model: str) -> None:
    before = sorted(root.iterdir())
    with pytest.raises(UsageError):
        make(Root(root), Wanted([clip] if clip else [], prompt, "", model, "2", "64"))
    assert sorted(root.iterdir()) == before


def test_several_pictures_are_a_clip_in_the_order_of_their_names(root: Path, tmp_path: Path) -> None:
    shades = {"img10.png": 200, "img2.png": 100, "img1.PNG": 0}
    for name, shade in shades.items():
        Image.new("RGB", (64, 64), (shade,) * 3).save(tmp_path / name)
    files = [str(tmp_path / name) for name in shades]
    assert make(Root(root), Wanted(files, "a cat", "grey", "tiny", "all", "64")) == "grey"
    kept = root / "grey.pictures"
    assert [path.name for path in sorted(kept.iterdir())] == ["00001.png", "00002.png", "00003.png"]
    assert Root(root).workspace("grey").video.resolve() == kept.resolve()
    assert [Image.open(path).getpixel((0, 0))[0] for path in sorted(kept.iterdir())] == [0, 100, 200]
    with pytest.raises(UsageError, match="already"):
        make(Root(root), Wanted(files, "a cat", "grey", "tiny", "all", "64"))
    Image.new("RGB", (32, 32)).save(tmp_path / "img2.png")
    before = sorted(root.iterdir())
    with pytest.raises(Vp2pError, match="32x32"):
        make(Root(root), Wanted(files, "a cat", "other", "tiny", "all", "64"))
    assert sorted(root.iterdir()) == before
