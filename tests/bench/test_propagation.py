"""Propagation of true key frames: figures of clips whose edits are known, and what is said of clips that are broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vp2p.bench.__main__ import main
from vp2p.sprites.moving import MovingScene

SCENE = MovingScene("dog", "grass", texture="spotted", path="slide", seed=4, bend="bow")
FRAMES = 4


def save(folder: Path, frames: np.ndarray) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{number:03d}.png")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A clip with its true edit; and one beside whose folder there is a mask."""
    folder = tmp_path / "data"
    red, clip, mask = SCENE.replace(colour="red"), SCENE.render(FRAMES), SCENE.masks(FRAMES)
    save(folder / "walk" / "source", clip)
    save(folder / "walk" / "edit-texture", red.render(FRAMES))
    np.savez(folder / "walk" / "mask.npz", **{"source": mask, "edit-texture": mask})
    save(folder / "plain", np.concatenate([clip, clip]))
    save(folder / "plain-mask", np.concatenate([mask, mask])[..., None].repeat(3, -1).astype(np.uint8) * 255)
    return folder


@pytest.fixture
def walk(data: Path) -> Path:
    """The clip with its true edit alone."""
    shutil.rmtree(data / "plain")
    return data / "walk"


def scores(path: Path) -> dict:
    return json.loads(path.read_text())["clips"]


def test_known_edits_and_own_key_frames_are_scored(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "figures.json"
    sheets = tmp_path / "sheets"
    assert main(["propagate", "--data", str(data), "--out", str(out), "--sheets", str(sheets)]) == 0
    found = scores(out)
    pictures = {str(path.relative_to(sheets)) for path in sheets.rglob("*.png")}
    assert pictures == {"walk/source.png", "walk/edit-texture.png", "plain/source.png"}
    assert found.keys() == {"walk", "plain"} and found["walk"].keys() == {"source", "edit-texture"}
    assert found["plain"].keys() == {"source"} and len(found["plain"]["source"]["frames_db"]) == 7
    edit = found["walk"]["edit-texture"]
    assert edit["inside_db"] == pytest.approx(np.mean(edit["frames_db"]), abs=1e-3) and len(edit["frames_db"]) == 3
    assert edit["inside_db"] > 17 and edit["followed"] == [0, 1, 2, 3]


def test_of_two_key_frames_the_second_is_chosen(walk: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    assert main(["propagate", "--data", str(walk.parent), "--keys", "2", "--out", str(out)]) == 0
    edit = scores(out)["walk"]["edit-texture"]
    assert len(edit["frames_db"]) == 2 and edit["inside_db"] > 17


def test_a_broken_clip_is_named_and_the_others_are_scored(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "walk" / "source" / "002.png").write_bytes(b"")
    out = tmp_path / "figures.json"
    assert main(["propagate", "--data", str(data), "--out", str(out)]) == 3
    assert "walk failed" in capsys.readouterr().err and scores(out).keys() == {"plain"}


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_a_broken_mask_is_named(walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    (walk / "mask.npz").write_bytes(content)
    assert main(["propagate", "--data", str(walk.parent), "--out", str(tmp_path / "figures.json")]) == 3
    assert "mask.npz cannot be read" in capsys.readouterr().err
    np.savez(walk / "mask.npz", other=np.ones((FRAMES, 8, 8), bool))
    assert main(["propagate", "--data", str(walk.parent), "--out", str(tmp_path / "figures.json")]) == 3


def test_drawn_cases_need_no_files(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    assert main(["propagate", "--cases", "bend-colour-02", "--out", str(out)]) == 0
    assert scores(out)["bend-colour-02"]["ideal"]["inside_db"] > 22


@pytest.mark.parametrize(
    "wrong", [["--data", "nowhere"], ["--data", "."], ["--data", ".", "--keys", "0"], ["--cases", "style-00"]]
)
def test_what_cannot_be_scored_is_refused(
    wrong: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["propagate", *wrong, "--out", "figures.json"]) == 2
    assert "hint: give" in capsys.readouterr().err and not Path("figures.json").exists()


def test_frames_between_given_ones_are_scored(walk: Path, tmp_path: Path) -> None:
    out, sheets = tmp_path / "figures.json", tmp_path / "sheets"
    words = ["propagate", "--data", str(walk.parent), "--between", "2", "--out", str(out), "--sheets", str(sheets)]
    assert main(words) == 0
    (found,) = scores(out)["walk"].values()
    assert len(found["frames_db"]) == 2 and found["inside_db"] == pytest.approx(np.mean(found["frames_db"]), abs=1e-3)
    assert found["inside_db"] > 25, "the clip itself, which is not red, has less than 15 dB"
    assert [path.name for path in sheets.rglob("*.png")] == ["edit-texture.png"]


@pytest.mark.parametrize("number", ["1", "-2"])
def test_what_is_between_is_refused_where_nothing_is(
    number: str, walk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["propagate", "--data", str(walk.parent), "--between", number, "--out", str(tmp_path / "a.json")]
    assert main(words) == 2
    assert "must be 2 or more" in capsys.readouterr().err
