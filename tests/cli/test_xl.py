"""Stable Diffusion XL through every command, and from Python."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import vp2p
from tests.cli.conftest import FRAMES, INVERT, PROMPT, TUNE
from tests.cli.running import done, only, refused
from tests.original import save_original
from tests.pipeline.test_python import PROMPT as SHORT
from vp2p.models.loading import LatentModel
from vp2p.models.opening import open_model
from vp2p.models.text import encode_prompts
from vp2p.models.whole import check_whole
from vp2p.settings import EditSettings, ModelSettings
from vp2p.sprites.scenes import Scene
from vp2p.video.reading import probe

_EDIT = ("edit", "--swap", "cat=dog")


def _init(folder: Path, clip: Path, model: Path, *options: str | Path) -> Path:
    words = ("--video", clip, "--prompt", PROMPT, "--frames", str(FRAMES), "--size", "32", "--model", model)
    words += ("--dtype", "fp32")  # one run is compared with another, made in other pieces
    done("init", folder, *words, *options)
    return folder


@pytest.fixture(scope="module")
def edited(clip: Path, sdxl_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run of each of the four commands."""
    folder = _init(tmp_path_factory.mktemp("xl") / "work", clip, sdxl_folder)
    for words in (TUNE, INVERT, _EDIT):
        done("-w", folder, *words)
    return folder


def _latents(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(only(folder / "edit") / "latents.safetensors")


def test_the_four_commands(edited: Path, sdxl: LatentModel) -> None:
    tuned = load_file(only(edited / "tune") / "tuned.safetensors")
    blocks = {name.partition(".transformer_blocks.")[2].split(".")[0] for name in tuned}
    assert blocks == {"0", "1", "2"}, "every block of those that are three deep is trained"
    null = load_file(only(edited / "invert") / "null.safetensors")["embeddings"]
    empty = encode_prompts(sdxl, [""])[0]
    assert null.shape == (3, *empty.shape)
    assert torch.equal(null[:, -1], empty[-1].expand(3, -1)), "the pooled embedding is held"
    assert (null[:, :-1] - empty[:-1]).abs().amax((1, 2)).min() > 1e-3
    rows = null[0, :-1] - empty[:-1]
    assert (rows - rows[0]).abs().max() > 1e-3, "rows are optimised each for itself"
    assert all(tensor.isfinite().all() for tensor in _latents(edited).values())
    assert (only(edited / "edit") / "edited.mp4").is_file()
    for words in (TUNE, INVERT, _EDIT):
        assert "up to date" in done("-w", edited, *words).err


def test_attention_and_the_full_video(edited: Path, tmp_path: Path) -> None:
    folder, mask = Path(shutil.copytree(edited, tmp_path / "work")), tmp_path / "mask.png"
    assert Path(done("-w", folder, "attention", "cat").out.strip()).is_file()
    drawn = Image.new("L", (64, 64))
    drawn.paste(255, (8, 16, 56, 44))
    drawn.save(mask)
    done("-w", folder, *_EDIT, "--mask", mask, "--as", "masked")
    done("-w", folder, "full", "masked")
    made = probe(only(folder / "full") / "full.mp4")
    assert (made.width, made.height, made.frames) == (64, 64, 6)


def test_with_little_memory_and_from_one_file(edited: Path, clip: Path, sdxl_folder: Path, tmp_path: Path) -> None:
    file = save_original(sdxl_folder, tmp_path / "xl.safetensors")
    folder = _init(tmp_path / "work", clip, file, "--model-config", sdxl_folder, "--memory", "low")
    for words in (TUNE, INVERT, _EDIT):
        done("-w", folder, *words)
    for name, tensor in _latents(edited).items():
        torch.testing.assert_close(_latents(folder)[name], tensor, atol=1e-3, rtol=1e-3)


def test_from_python(sdxl_folder: Path) -> None:
    model = vp2p.load(str(sdxl_folder), device="cpu")
    clip = vp2p.Clip.of(Scene("cat", "grass", path="slide", seed=4).render(2)[:, ::2, ::2])
    model.tune(clip, SHORT, steps=1)
    inversion = model.invert(clip, SHORT, method="direct", steps=2)
    branches, unconditional = inversion.branches(model, EditSettings())
    assert not unconditional.any() and not branches.empty.any()
    edit = model.edit(inversion, swap={"cat": "dog"})
    assert edit.frames.shape == (2, 64, 64, 3)
    assert not torch.equal(edit.latents.targets[0], edit.latents.source)


def test_what_the_model_is(sdxl_folder: Path) -> None:
    """All that ``vp2p models`` tells but the memory, which takes its time and has its tests."""
    model = open_model(ModelSettings(model=str(sdxl_folder)))
    assert (model.native_size, model.text_positions) == (64, 32)
    assert check_whole(model)["text_encoder_2"] > 10_000


def test_the_refiner_is_refused(clip: Path, sdxl_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(sdxl_folder, tmp_path / "refiner"))
    shutil.rmtree(model / "text_encoder")
    ran = refused(1, "init", tmp_path / "work", "--video", clip, "--prompt", PROMPT, "--model", model)
    assert "is a Stable Diffusion XL refiner" in ran.cause and "--model" in ran.hint
    assert not (tmp_path / "work").exists()
