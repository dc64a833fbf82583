"""``vp2p models``: what is at hand, and what a model is, is whole and needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.cli.running import done, refused
from tests.controlnets import save_controlnet
from tests.original import save_original
from vp2p.models.devices import quickest_dtype


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub in place of the real one."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def model(sd2_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sd2_folder, tmp_path / "shelf" / "tiny"))


def _rows(out: str) -> list[list[str]]:
    return [line.split("\t") for line in out.splitlines()]


def test_what_is_at_hand(model: Path, cache: Path) -> None:
    shutil.copytree(model, cache / "models--some--model" / "snapshots" / "abc")
    other = shutil.copytree(model, cache / "models--an--other" / "snapshots" / "abc")
    (Path(other) / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (cache / "models--openai--clip" / "snapshots" / "abc").mkdir(parents=True)
    ran = done("models")
    assert [row[:2] for row in _rows(ran.out)] == [
        ["sprites", "bundled"],
        ["an/other", "hub cache"],
        ["some/model", "hub cache"],
    ]
    assert "Flux" in _rows(ran.out)[1][3] and _rows(ran.out)[1][2] == "-"
    assert "2 of these can edit" in ran.err


def test_what_a_folder_holds(model: Path) -> None:
    shelf = model.parent
    save_original(model, shelf / "tiny.safetensors")
    save_file({"unet.x.lora_A.weight": torch.zeros(1)}, shelf / "lora.safetensors")
    (shelf / "broken.safetensors").write_bytes(b"nothing")
    (shelf / "notes").mkdir()
    save_controlnet(shelf / "canny", model)
    (shelf / "style").mkdir()
    shutil.copy(shelf / "lora.safetensors", shelf / "style" / "pytorch_lora_weights.safetensors")
    found = {Path(row[0]).name: row[1:] for row in _rows(done("models", shelf).out)}
    files = ["broken.safetensors", "lora.safetensors", "tiny.safetensors"]
    assert sorted(found) == sorted([*files, "canny", "style", "tiny"])
    assert "a ControlNet" in found["canny"][2] and "a LoRA" in found["style"][2]
    assert found["tiny"][0] == "folder" and found["tiny"][2] == "like Stable Diffusion, of other sizes, v-prediction"
    assert "a LoRA" in found["lora.safetensors"][2] and "cut short" in found["broken.safetensors"][2]
    assert "not the sizes" in found["tiny.safetensors"][2]


def test_what_a_model_is(model: Path) -> None:
    (model / "LICENSE.md").write_text("as you like")
    ran = done("models", model)
    told = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert told["kind"] == "like Stable Diffusion, of other sizes, v-prediction"
    assert told["predicts"] == "v (v_prediction)" and told["licence"] == "LICENSE.md"
    assert told["reads"] == "pictures of 64x64 pixels, prompts of 32 tokens"
    dtype = "bfloat16" if quickest_dtype(torch.device("cpu")) == "bf16" else "float32"  # a new workspace's
    assert f"8 frames of 64x64, {dtype} on cpu" in told["tuning"] and "is whole" in ran.err
    (model / "LICENSE.md").unlink()
    (model / "README.md").write_text("---\nlicense: openrail\n---\n")
    found = done("models", model, "--json").json["result"]
    numbers = sum(
        tensor.numel() for tensor in load_file(model / "unet" / "diffusion_pytorch_model.safetensors").values()
    )
    assert found["parameters"]["unet"] == numbers
    assert found["memory"]["tune"] > found["memory"]["edit"] > 4 * numbers and found["available"] > 1e8
    assert found["licence"] == "openrail"


def test_a_checkpoint_with_its_configuration(model: Path, tmp_path: Path) -> None:
    file = save_original(model, tmp_path / "tiny.safetensors")
    assert "--model-config" in refused(1, "models", file).hint
    told = dict(line.split(maxsplit=1) for line in done("models", file, "--model-config", model).out.splitlines())
    assert told["kind"] == "like Stable Diffusion, of other sizes, v-prediction"
    assert told["predicts"] == "v (v_prediction)"
    assert told["reads"] == "pictures of 64x64 pixels, prompts of 32 tokens"


def test_a_model_that_is_not_whole(model: Path) -> None:
    file = model / "vae" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    name = "decoder.conv_in.weight"
    save_file(tensors | {name: torch.full_like(tensors[name], float("nan"))}, file, {"format": "pt"})
    assert f"its tensor {name} holds numbers that are not finite" in refused(1, "models", model).cause
    save_file({key: tensor for key, tensor in tensors.items() if key != name}, file, {"format": "pt"})
    assert "tensors are missing" in refused(1, "models", model).cause
    file.write_bytes(file.read_bytes()[:-1])
    assert "cut short" in refused(1, "models", model).cause


def test_what_cannot_be_described(tmp_path: Path) -> None:
    assert "hf download" in refused(1, "models", "some/model").hint
    assert "hf download" in refused(1, "models", "sd15").hint
    assert refused(1, "models", tmp_path / "nowhere").hint.startswith("give vp2p models a folder")
    (tmp_path / "dog.png").write_bytes(b"")
    dog = refused(1, "models", tmp_path / "dog.png")
    assert "is no model: models are folders and .safetensors files" in dog.cause and "vp2p models" in dog.hint
    assert refused(1, "models", "https://hf.co/some/model").hint == "vp2p models some/model"
    (tmp_path / "empty").mkdir()
    refused(1, "models", tmp_path / "empty")
    refused(2, "models", "--model-config", tmp_path)
    ran = done("models", "--json")
    assert json.dumps(ran.json["result"]["models"][0]["usable"]) == "true"
