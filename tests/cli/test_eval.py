"""``vp2p eval``: what is measured of an edit, what is kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import FRAMES, SIZES, Make
from tests.cli.running import done, refused, snapshot
from tests.metrics.clip import save_clip_model
from vp2p.metrics.metric import Metric
from vp2p.metrics.psnr import psnr
from vp2p.metrics.table import METRICS
from vp2p.settings import ClipSettings
from vp2p.stages.evaluate import read_evaluation
from vp2p.stages.source import load_frames
from vp2p.video.reading import read_clip
from vp2p.workspace import Workspace

FREE = {"psnr", "masked_psnr", "ssim", "warp_error"}


@pytest.fixture(scope="module")
def clip_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip_model(tmp_path_factory.mktemp("models") / "clip")


def test_what_needs_no_weights_is_always_measured(work: Make) -> None:
    folder = work("sd2", "edit")
    runs = snapshot(folder / "edit")
    (found,) = done("eval", "--json").json["result"]["edits"]
    assert set(found["scores"]) == FREE and set(found["source"]) == {"warp_error"}
    assert found["prompt"] == "a dog is running on the grass"
    workspace = Workspace(folder)
    source = load_frames(workspace.runs("source")[0]).pixels
    edited = read_clip(folder / "edit" / "dog" / "edited.mp4", ClipSettings(frames="all")).frames
    assert found["scores"]["psnr"] == pytest.approx(psnr(edited, source), rel=1e-5)
    assert json.loads((folder / "eval" / "dog.json").read_bytes()) == {"format": 1, **found}
    assert snapshot(folder / "edit") == runs
    assert "dog\tpsnr\t" in done("eval", "dog").out


def test_a_clip_model_adds_its_measures(work: Make, clip_model: Path) -> None:
    folder = work("sd2", "edit")
    done("edit", "--swap", "grass=sand", "--name", "free", "--no-blend", "--format", "png")
    dog, free = done("eval", "--clip-model", clip_model, "--json").json["result"]["edits"]
    with_clip = {"clip_text", "clip_consistency"}
    assert set(dog["scores"]) == FREE | with_clip | {"object_variance"}
    assert set(free["scores"]) == FREE - {"masked_psnr"} | with_clip  # it has no mask
    for one in (dog, free):
        assert -100 <= one["scores"]["clip_text"] <= 100 and -1 <= one["scores"]["clip_consistency"] <= 1
    assert 0 <= dog["scores"]["object_variance"] <= 1
    assert dog["source"]["clip_consistency"] == free["source"]["clip_consistency"]
    # Measured once more without it, only what was measured is kept.
    done("eval", "free")
    kept = {name: read_evaluation(Workspace(folder), run) for name, run in _edits(folder).items()}
    assert "clip_text" in kept["dog"]["scores"] and "clip_text" not in kept["free"]["scores"]


def _edits(folder: Path) -> dict:
    return {run.name: run for run in Workspace(folder).runs("edit")}


def test_a_new_metric_is_measured_and_shown(work: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    brightness = Metric("brightness", "light", None, 1, "", "how bright", lambda frames: frames.mean(), ("frames",))
    monkeypatch.setitem(METRICS, "brightness", brightness)
    folder = work("sd2", "edit")
    (found,) = done("eval", "--json").json["result"]["edits"]
    value, source = found["scores"]["brightness"], found["source"]["brightness"]
    assert 0 < value < 255 and 0 < source < 255
    assert f"dog\tbrightness\t{value:g}\t{source:g}" in done("eval").out.splitlines()
    done("report")
    page = (folder / "report.html").read_text("utf-8")
    assert ">light</th>" in page and f"<td>{value:.1f} <span" in page
    done("edit", "--swap", "cat=rabbit", "--name", "rabbit")
    done("eval")
    told = done("diff", "dog", "rabbit")
    assert any(line.split()[:2] == ["light", f"{value:.1f}"] for line in told.out.splitlines()), told.out


def test_a_mask_says_what_should_stay(work: Make, tmp_path: Path) -> None:
    folder = work("sd2", "edit")
    pictures = tmp_path / "mask"
    pictures.mkdir()
    side = SIZES["sd2"]
    mask = np.zeros((side, side, 3), np.uint8)
    mask[:, : side // 2] = 255
    for number in range(FRAMES):
        Image.fromarray(mask).save(pictures / f"{number}.png")
    scores = done("eval", "dog", "--mask", pictures, "--json").json["result"]["edits"][0]["scores"]
    source = load_frames(Workspace(folder).runs("source")[0]).pixels
    edited = read_clip(folder / "edit" / "dog" / "edited.mp4", ClipSettings(frames="all")).frames
    half = np.s_[:, :, side // 2 :]
    assert scores["masked_psnr"] == pytest.approx(psnr(edited[half], source[half]), rel=1e-5)


def test_an_evaluation_of_another_edit_of_that_name_counts_for_nothing(work: Make) -> None:
    folder = work("sd2", "edit")
    done("eval")
    workspace = Workspace(folder)
    assert read_evaluation(workspace, _edits(folder)["dog"])["edit"] == "dog"
    done("edit", "--swap", "cat=rabbit", "--name", "dog", "--force")
    assert read_evaluation(workspace, _edits(folder)["dog"]) is None
    (folder / "eval" / "dog.json").write_text("{")
    assert read_evaluation(workspace, _edits(folder)["dog"]) is None


@pytest.mark.parametrize(
    ("code", "words", "cause"),
    [
        (2, ("cow",), "'cow'"),
        (2, ("--mask", "none.mp4"), "no mask none.mp4"),
        (1, ("--clip-model", "none"), "no CLIP model 'none'"),
        (1, ("--clip-model", "someone/something"), "HF_HUB_OFFLINE forbids"),
        (1, ("--clip-model", "."), ". holds no CLIP model: there is no config.json"),
    ],
)
def test_mistakes_keep_nothing(work: Make, code: int, words: tuple[str, ...], cause: str) -> None:
    folder = work("sd2", "edit")
    assert cause in refused(code, "eval", *words).cause
    assert not (folder / "eval").exists()


def test_there_must_be_an_edit(work: Make) -> None:
    work("sd2", "invert")
    assert "vp2p edit" in refused(1, "eval").hint


def test_damaged_edits_are_not_measured(work: Make) -> None:
    folder = work("sd2", "edit")
    (folder / "edit" / "dog" / "edited.mp4").write_bytes(b"")
    assert "edited.mp4 is damaged" in refused(1, "eval").cause
