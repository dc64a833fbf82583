"""Models in every form that a user may have, through the four commands."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.cli.conftest import FRAMES, INVERT, PROMPT, SIZES, TUNE, Make
from tests.cli.running import Ran, done, only, refused
from tests.original import save_original
from vp2p.workspace import Workspace


def _init(folder: Path, clip: Path, model: Path, *options: str | Path) -> Ran:
    size = str(SIZES["sd2"])
    words = ("--video", clip, "--prompt", PROMPT, "--frames", str(FRAMES), "--size", size, "--model", model)
    return done("init", folder, *words, *options)


def _all_four(folder: Path, clip: Path, model: Path, *options: str | Path) -> None:
    _init(folder, clip, model, *options)
    for words in (TUNE, INVERT, ("edit", "--swap", "cat=dog")):
        done("-w", folder, *words)


def _latents(folder: Path) -> dict[str, torch.Tensor]:
    (run,) = Workspace(folder).runs("edit")
    return load_file(run.path("latents.safetensors"))


def test_a_checkpoint_edits_as_its_folder_does(clip: Path, sd2_folder: Path, prepared: Make, tmp_path: Path) -> None:
    model = save_original(sd2_folder, tmp_path / "tiny.safetensors")
    _all_four(tmp_path / "work", clip, model, "--model-config", sd2_folder)
    wanted, found = _latents(prepared("sd2", "edit")), _latents(tmp_path / "work")
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    again = done("-w", tmp_path / "work", *TUNE)
    assert "up to date" in again.err
    model.rename(tmp_path / "moved.safetensors")
    refused(1, "-w", tmp_path / "work", *TUNE)
    done("-w", tmp_path / "work", "config", "model.model", tmp_path / "moved.safetensors")
    assert "up to date" in done("-w", tmp_path / "work", *TUNE).err
    assert only(tmp_path / "work" / "tune").is_dir()


def test_mistakes_leave_nothing(clip: Path, sd2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = save_original(sd2_folder, tmp_path / "tiny.safetensors")
    words = ("init", "work", "--video", clip, "--prompt", PROMPT, "--frames", "3", "--size", "32", "--model")
    assert "--model-config" in refused(1, *words, model).hint
    assert "--model-config" in refused(1, *words, model, "--model-config", "nowhere").hint
    assert "--model-config" in refused(1, *words, sd2_folder, "--model-config", sd2_folder).hint
    refused(1, *words, sd2_folder / "unet" / "diffusion_pytorch_model.safetensors")
    refused(2, *words, model, "--prediction-type", "noise")
    assert not (tmp_path / "work").exists()
