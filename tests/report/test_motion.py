"""The motion of an edit: drawn on frames, kept in the run, shown by the page and by `vp2p show --motion`."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.cli.running import done, refused
from tests.report.browser import opened
from tests.report.conftest import FRAMES, PROMPT
from vp2p.compositing.followed import FollowedMotion
from vp2p.errors import ArtifactError
from vp2p.report.collect import collect
from vp2p.report.motion import CERTAINTY, HARD, KEY, colours, longest, motion_drawn
from vp2p.report.strip import _labels, _told
from vp2p.sprites.scenes import Scene
from vp2p.stages.kept import load_motions
from vp2p.video.writing import write_video
from vp2p.workspace import Workspace
from vp2p.workspace.seal import sealed

SIDE = 240


def drawn_motion(x: float, y: float, certainty: float = 1.0) -> FollowedMotion:
    """One cell of 24 x 24 moves in frame 0, at (12, 12); frame 1 is the key frame, frame 2 is hard to follow."""
    field, mask = np.zeros((3, 2, 24, 24), np.float32), np.zeros((3, 24, 24), np.float32)
    field[0, :, 12, 12], mask[0, 12, 12] = (x, y), 1.0
    field[0, :, 3, 3] = 1000.0  # beside the object
    return FollowedMotion((1,), (2,), np.array([1, 1, 1]), field, np.full_like(mask, certainty), mask)


@pytest.mark.parametrize(("x", "y"), [(30, 0), (-30, 0), (0, 30), (0, -30), (-3, 3)])
def test_an_arrow_leads_where_the_field_does(x: float, y: float) -> None:
    picture = motion_drawn(np.full((3, 120, 120, 3), 128, np.uint8), [drawn_motion(x, y)], SIDE)[0]
    rows, columns = np.nonzero((picture != 128).any(-1))
    away = np.array([columns.mean() - 124.5, rows.mean() - 124.5])
    assert away @ (x, y) > 0.8 * np.linalg.norm(away) * np.hypot(x, y)
    assert 10 < max(np.ptp(rows), np.ptp(columns)) < 24 and longest([drawn_motion(x, y)]) == pytest.approx(
        np.hypot(x, y)
    )


def test_arrows_have_the_colour_of_their_certainty() -> None:
    for certainty, colour in ((0.0, CERTAINTY[0]), (1.0, CERTAINTY[-1])):
        picture = motion_drawn(np.full((3, 120, 120, 3), 128, np.uint8), [drawn_motion(20, 0, certainty)], 504)[0]
        assert tuple(picture[262, 268]) == colour == tuple(colours(np.array(certainty)))


def test_frames_stay_grey_under_the_motion_and_keep_their_shape() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, 60, 120, 3), dtype=np.uint8)
    square = drawn_motion(20, 0)
    motion = FollowedMotion(
        square.keys, square.hard, square.nearest, square.field[:, :, :12], square.certainty[:, :12], square.mask[:, :12]
    )
    pictures = motion_drawn(frames, [motion], SIDE)
    assert pictures.shape == (3, 120, 240, 3)
    assert np.ptp(pictures[0, :, :, :].astype(int), axis=-1).max() == 0  # no cell of its upper half moves


def test_key_frames_and_hard_frames_have_borders() -> None:
    plain, key, hard = motion_drawn(np.full((3, 64, 64, 3), 128, np.uint8), [drawn_motion(20, 0)], SIDE)
    assert (plain[0] == 128).all() and (key[0] == KEY).all() and (key[:, -1] == KEY).all()
    dashes = (hard[0] == HARD).all(-1)
    assert 0.3 < dashes.mean() < 0.7 and (hard[0][~dashes] == 255).all()
    assert (key[20:-20, 20:-20] == 128).all() and (hard[20:-20, 20:-20] == 128).all()


def test_each_frame_is_told_in_words(edited: Path) -> None:
    (dog,) = collect(Workspace.find(explicit=edited)).edits
    one = dataclasses.replace(dog, motions=(drawn_motion(20, 0, 0.5),))
    assert [_labels(one, frame) for frame in range(3)] == [(), ("key frame",), ("hard to follow",)]
    assert _told(one, 0) == "Frame 1: arrows from the object towards its place in frame 2, certain to 50%"
    assert _told(one, 2) == "Frame 3: the object is out of sight"
    two = dataclasses.replace(dog, motions=(drawn_motion(20, 0), dataclasses.replace(drawn_motion(20, 0), keys=(0,))))
    assert _labels(two, 2) == ("towards 2", "hard to follow")


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory, sd1_folder: Path) -> Path:
    """A workspace with one edit, dog, whose object was followed by a mask of it. Not to be changed."""
    at = tmp_path_factory.mktemp("followed")
    scene = Scene("cat", "grass", path="slide", seed=4)
    write_video(at / "cat", scene.render(FRAMES, 128), FRAMES)
    write_video(at / "mask", np.repeat(scene.masks(FRAMES, 128)[..., None], 3, -1).astype(np.uint8) * 255, FRAMES)
    done("init", at / "walk", "--video", at / "cat", "--prompt", PROMPT, "--frames", FRAMES, "--model", sd1_folder)
    done("-w", at / "walk", "tune", "--steps", 1)
    done("-w", at / "walk", "invert", "--steps", 2)
    done("-w", at / "walk", "edit", "--swap", "cat=dog", "--mask", at / "mask")
    return at / "walk"


@pytest.fixture
def walk(edited: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace for one test, which then stands in it."""
    shutil.copytree(edited.parent, tmp_path / "at")
    monkeypatch.chdir(tmp_path / "at" / "walk")
    return tmp_path / "at" / "walk"


def test_an_edit_keeps_its_motion_and_the_page_and_the_sheet_show_it(walk: Path) -> None:
    ran = done("edit", "--swap", "cat=dog", "--mask", "../mask", "--json").json["result"]
    kept = load_file(walk / "edit" / "dog" / "motion.safetensors")
    frames = kept["mask"].shape[1]
    assert {name: (tuple(one.shape), one.dtype) for name, one in kept.items()} == {
        "nearest": ((1, frames), torch.int64),
        "field": ((1, frames, 2, 24, 24), torch.float32),
        "certainty": ((1, frames, 24, 24), torch.float32),
        "mask": ((1, frames, 24, 24), torch.float32),
    }
    assert ran["state"] == "up to date"
    manifest = json.loads((walk / "edit" / "dog" / "manifest.json").read_text())
    assert "motion.safetensors" in manifest["artifacts"]
    (motion,) = load_motions(Workspace.find(explicit=walk).by_name("edit", "dog"))
    assert ran["facts"]["key frames"] == [key + 1 for key in motion.keys]
    assert ran["facts"].get("hard frames", []) == [frame + 1 for frame in motion.hard]
    done("report")
    text = (walk / "report.html").read_text("utf-8")
    section = text.partition('<section aria-labelledby="motion">')[2].partition("</section>")[0]
    assert section.count("<li><img ") == section.count('alt="Frame ') > 0
    assert section.count("<b>key frame</b>") == len(motion.keys)
    shown = done("show", "dog", "--motion", "--json").json["result"]
    assert shown["rows"][0].startswith(f"frames 1 to {frames}, key frame {motion.keys[0] + 1}")
    with Image.open(walk / "show" / "edit-dog.png") as sheet:
        assert sheet.width > frames * 256


def test_where_nothing_is_followed_nothing_is_kept(walk: Path) -> None:
    ran = done("edit", "--swap", "cat=rabbit", "--no-propagate", "--json").json["result"]
    assert not (walk / "edit" / "rabbit" / "motion.safetensors").exists() and "key frames" not in ran["facts"]
    assert "No motion of edit/rabbit" in refused(2, "show", "rabbit", "--motion").cause
    assert (
        "no edit" in refused(2, "show", f"tune/{Workspace.find(explicit=walk).newest('tune').name}", "--motion").cause
    )
    assert "not both" in refused(2, "show", "dog", "--motion", "--word", "cat").hint


def test_without_kept_motion_the_page_has_no_such_section(walk: Path) -> None:
    """As a run is that was made before."""
    manifest = walk / "edit" / "dog" / "manifest.json"
    values = json.loads(manifest.read_text())
    (walk / "edit" / "dog" / "motion.safetensors").unlink()
    del values["artifacts"]["motion.safetensors"], values["checksum"]
    manifest.write_text(json.dumps(sealed(values)))
    ran = done("edit", "--swap", "cat=dog", "--mask", "../mask", "--json").json["result"]
    assert ran["state"] == "up to date" and "key frames" not in ran["facts"]
    done("report")
    assert 'id="motion"' not in (walk / "report.html").read_text("utf-8")


def test_a_motion_that_does_not_fit_together_is_damage(walk: Path) -> None:
    run = Workspace.find(explicit=walk).by_name("edit", "dog")
    path = walk / "edit" / "dog" / "motion.safetensors"
    kept, metadata = load_file(path), {"vp2p": json.dumps({"objects": [{"key_frames": [0], "hard_frames": []}]})}
    for wrong in ({"field": kept["field"][:, :1]}, {"certainty": kept["certainty"] * float("nan")}):
        save_file({name: one.contiguous() for name, one in {**kept, **wrong}.items()}, path, metadata)
        with pytest.raises(ArtifactError, match="damaged"):
            load_motions(run)
    save_file(kept, path, {"vp2p": json.dumps({"objects": [{"key_frames": ["x"]}]})})
    with pytest.raises(ArtifactError, match="damaged"):
        load_motions(run)


@pytest.mark.slow
def test_a_browser_shows_the_strip_on_a_phone_too(browser: object, walk: Path) -> None:
    done("report")
    with opened(browser, walk / "report.html", viewport={"width": 380, "height": 700}) as report:
        sizes = report.do("[...document.querySelectorAll('.strip img')].map((one) => one.naturalWidth)")
        assert sizes == [384] * FRAMES and report.logged == []
        assert report.do("document.documentElement.scrollWidth") == 380
        assert "gradient" in report.do("getComputedStyle(document.querySelector('.scale span')).backgroundImage")
