"""ControlNets by the command line: all stages are held to the clip's structure, and runs know of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from tests.cli.conftest import PROMPT, Make, moving_square, save_clip
from tests.cli.running import Ran, done, only, refused
from tests.controlnets import WITHOUT_ATTENTION, save_controlnet


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, sd2_folder: Path) -> Path:
    return save_controlnet(tmp_path_factory.mktemp("nets") / "net", sd2_folder)


def _init(clip: Path, model: Path, *more: str | Path) -> Ran:
    words = ("init", "walk", "--video", clip, "--prompt", PROMPT, "--model", model, "--frames", "3", "--size", "32")
    return done(*words, *more)


def _depth(path: Path) -> Path:
    """Pictures of another size than the clip's, one for each of its frames."""
    save_clip(path, np.ascontiguousarray(255 - moving_square(6, 96)), sound=False)
    return path


def test_through_all_four_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, net: Path, sd2_folder: Path, prepared: Make
) -> None:
    monkeypatch.chdir(tmp_path)
    _depth(tmp_path / "depth.mp4")
    _init(
        clip, sd2_folder, "--control", f"canny={net}:0.8", "--control", f"depth={net}",
        "--control-video", "depth=depth.mp4",
    )  # fmt: skip
    config = yaml.safe_load((tmp_path / "walk" / "vp2p.yaml").read_text())
    assert config["clip"]["control_video"] == ["depth=../depth.mp4"]
    assert config["model"]["control"] == [f"canny={net}:0.8", f"depth={net}"]
    source = load_file(only(tmp_path / "walk" / "source") / "frames.safetensors")
    assert source["control.depth"].shape == source["frames"].shape
    assert not source["control.depth"].equal(source["frames"])
    monkeypatch.chdir(tmp_path / "walk")
    done("tune", "--steps", "1", "--mixed", "0.5", "--memory", "low")
    done("invert", "--method", "direct", "--steps", "2")
    done("attention", "cat")
    edit = ("edit", "--swap", "cat=dog", "--candidates", "2")
    assert done(*edit).out == "edit/dog/edited.mp4\n"
    plain = load_file(only(prepared("sd2", "init") / "source") / "frames.safetensors")
    assert plain["frames"].equal(source["frames"])  # it is the clip's own frames all the same

    (tmp_path / "depth.mp4").rename(tmp_path / "gone.mp4")  # what is kept serves on
    assert "up to date" in done(*edit).err
    done("invert", "--method", "direct", "--steps", "2", "--guidance", "2")


def test_those_of_xl_through_all_four_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, sdxl_folder: Path, net: Path
) -> None:
    first, second = (
        save_controlnet(tmp_path / "net", sdxl_folder),
        save_controlnet(tmp_path / "small", sdxl_folder, **WITHOUT_ATTENTION),
    )
    monkeypatch.chdir(tmp_path)
    refused_words = ("init", "walk", "--video", clip, "--prompt", PROMPT, "--model", sdxl_folder, "--size", "32")
    assert (
        "cross_attention_dim is 48, but the UNet's 64" in refused(1, *refused_words, "--control", f"canny={net}").cause
    )
    _init(clip, sdxl_folder, "--control", f"canny={first}:0.8", "--control", f"softedge={second}")
    monkeypatch.chdir(tmp_path / "walk")
    done("tune", "--steps", "2", "--mixed", "0.5")
    done("invert", "--method", "null-text", "--null", "per-frame", "--steps", "2", "--inner-steps", "1")
    edit = ("edit", "--swap", "cat=dog", "--candidates", "2")
    assert done(*edit).out == "edit/dog/edited.mp4\n"
    for words in (("tune", "--steps", "2", "--mixed", "0.5"), edit):
        assert "up to date" in done(*words).err
    assert all(one.isfinite().all() for one in load_file(only(Path("edit")) / "latents.safetensors").values())


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Path, sd2_folder: Path) -> Path:
    """A workspace without ControlNets, and the current folder in it."""
    monkeypatch.chdir(tmp_path)
    _init(clip, sd2_folder)
    monkeypatch.chdir(tmp_path / "walk")
    return tmp_path / "walk"


def _tune_run() -> str:
    """The run that tuning would be now."""
    return done("tune", "--steps", "1", "--dry-run").out.splitlines()[-1].partition(":")[0]


def test_a_control_makes_other_runs_and_none_the_old_ones(walk: Path, net: Path) -> None:
    before, source = _tune_run(), only(walk / "source")
    record = json.loads((source / "manifest.json").read_text())["settings"]
    assert not {"control", "control_video"} & set(record)  # as before there were any
    done("config", "model.control", f"canny={net}")
    with_control = _tune_run()
    done("config", "model.control", f"canny={net}:0")
    assert _tune_run() == before != with_control
    done("config", "--unset", "model.control")
    assert _tune_run() == before
    assert only(walk / "source") == source


def test_other_pictures_make_other_runs(walk: Path, net: Path) -> None:
    _depth(walk / "depth.mp4")
    done("config", "model.control", f"depth={net}")
    done("config", "clip.control_video", "depth=depth.mp4")
    before = _tune_run()
    shutil.copy(walk / "depth.mp4", walk / "moved.mp4")
    done("config", "clip.control_video", "depth=moved.mp4")
    assert _tune_run() == before
    save_clip(walk / "moved.mp4", moving_square(6, 64), sound=False)
    assert _tune_run() != before


_OF_MODELS = ("0 or more", "must be a number", "ControlNetModel is needed")


def test_a_control_video_that_nothing_takes_is_told(walk: Path, clip: Path, sd2_folder: Path) -> None:
    words = ("init", "other", "--video", clip, "--prompt", PROMPT, "--model", sd2_folder, "--dry-run", "--frames", "3")
    assert "the control video of depth is not used" in done(*words, "--control-video", f"depth={clip}").out


def test_what_cannot_be(walk: Path, clip: Path, net: Path, sd1_folder: Path, sd2_folder: Path) -> None:
    words = ("init", "other", "--video", clip, "--prompt", PROMPT, "--model", sd2_folder, "--frames", "3")
    save_clip(walk / "short.mp4", moving_square(2, 64), sound=False)
    wrong = {
        ("--control", f"depth={net}"): "needs pictures",
        ("--control", f"depth={net}", "--control-video", "depth=nowhere.mp4"): "no control video",
        ("--control", f"depth={net}", "--control-video", "depth=short.mp4"): "does not cover",
        ("--control-video", "depth=https://x.org/d.mp4"): "address",
        ("--control", f"edges={net}"): "knows no kind",
        ("--control", f"canny={net}:-2"): "0 or more",
        ("--control", f"canny={net}:x"): "must be a number",
        ("--control", f"canny={sd1_folder / 'unet'}"): "ControlNetModel is needed",
    }
    for more, cause in wrong.items():
        code = 1 if cause in _OF_MODELS else 2
        assert cause in refused(code, *words, *more).cause
        assert not (walk / "other").exists()
