"""Models in every form that a user may have, through the four commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.cli.conftest import FRAMES, INVERT, PROMPT, SIZES, TUNE, Make
from tests.cli.running import Ran, done, only, refused
from tests.loras import adapted
from tests.original import save_original
from tests.tiny import save_tiny
from vp2p.models.loading import LatentModel
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


def test_a_lora_acts_in_every_stage(clip: Path, sd2: LatentModel, prepared: Make, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="peft is not installed")
    model, saved = sd2.folder.path, adapted(sd2).save_both(tmp_path / "lora")
    _all_four(tmp_path / "work", clip, model, "--lora", saved)
    plain, found = _latents(prepared("sd2", "edit")), _latents(tmp_path / "work")
    assert all(not torch.allclose(plain[name], found[name], atol=0.01) for name in plain)
    folders = (tmp_path / "work", prepared("sd2", "tune"))
    tuned = [load_file(only(folder / "tune") / "tuned.safetensors") for folder in folders]
    assert all(not torch.equal(tuned[0][name], tuned[1][name]) for name in tuned[0] if "to_q.weight" in name)
    assert only(tmp_path / "work" / "source").name == only(prepared("sd2", "init") / "source").name
    done("-w", tmp_path / "work", "report")


def test_another_vae_acts_in_every_stage(
    clip: Path, sd2_folder: Path, prepared: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(save_tiny(tmp_path / "other", "sd2", seed=1) / "vae", tmp_path / "vae")
    _all_four(tmp_path / "work", clip, sd2_folder, "--vae", "vae")
    plain, found = _latents(prepared("sd2", "edit")), _latents(tmp_path / "work")
    assert all(not torch.allclose(plain[name], found[name], atol=0.01) for name in plain)
    assert f"vae: {tmp_path / 'vae'}" in (tmp_path / "work" / "vp2p.yaml").read_text()


def test_a_lora_of_scale_0_is_the_same_run(clip: Path, sd2_folder: Path, prepared: Make, tmp_path: Path) -> None:
    file = tmp_path / "lora.safetensors"
    save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, file)
    _init(tmp_path / "work", clip, sd2_folder, "--lora", f"{file}:0")
    done("-w", tmp_path / "work", *TUNE)
    assert only(tmp_path / "work" / "tune").name == only(prepared("sd2", "tune") / "tune").name


def test_mistakes_leave_nothing(clip: Path, sd2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = save_original(sd2_folder, tmp_path / "tiny.safetensors")
    words = ("init", "work", "--video", clip, "--prompt", PROMPT, "--frames", "3", "--size", "32", "--model")
    assert "--model-config" in refused(1, *words, model).hint
    assert "--model-config" in refused(1, *words, model, "--model-config", "nowhere").hint
    assert "--model-config" in refused(1, *words, sd2_folder, "--model-config", sd2_folder).hint
    refused(1, *words, sd2_folder / "unet" / "diffusion_pytorch_model.safetensors")
    refused(2, *words, model, "--prediction-type", "noise")
    assert "--lora" in refused(1, *words, sd2_folder, "--lora", "nowhere.safetensors").hint
    assert "--vae" in refused(1, *words, sd2_folder, "--vae", "nowhere").hint
    assert "--variant" in refused(1, *words, sd2_folder, "--variant", "fp16").hint
    assert "--lora" in refused(1, *words, sd2_folder, "--lora", f"{model}:0.5").hint
    assert f"{model}:0.8" in refused(1, *words, sd2_folder, "--lora", f"{model}:half").hint
    assert not (tmp_path / "work").exists()
