"""Folders that cannot be used, and what is said about each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from vp2p.errors import ModelError
from vp2p.models.folder import read_folder


def _change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_complete_folders_pass(sd1_folder: Path, sd2_folder: Path) -> None:
    assert read_folder(sd1_folder).unet["attention_head_dim"] == 4
    assert read_folder(sd2_folder).unet["attention_head_dim"] == [2, 4, 4]


def test_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match="no model_index.json"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors",
        "text_encoder/config.json",
        "text_encoder/model.safetensors",
        "tokenizer/vocab.json",
        "tokenizer/merges.txt",
        "scheduler/scheduler_config.json",
    ],
)
def test_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError) as caught:
        read_folder(folder)
    assert name in caught.value.cause


def test_missing_part_is_named(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(ModelError, match="text_encoder/config.json"):
        read_folder(folder)


@pytest.mark.parametrize("suffix", [".bin", ".ckpt"])
def test_pickles_are_refused(folder: Path, suffix: str) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(suffix))
    with pytest.raises(ModelError, match="pickles only") as caught:
        read_folder(folder)
    assert "safetensors" in caught.value.hint


def test_damaged_config(folder: Path) -> None:
    (folder / "vae" / "config.json").write_text("{]")
    with pytest.raises(ModelError, match="JSON"):
        read_folder(folder)
    (folder / "vae" / "config.json").write_text("[1]")
    with pytest.raises(ModelError, match="no JSON object"):
        read_folder(folder)
    (folder / "model_index.json").write_text("{]")
    with pytest.raises(ModelError, match="model_index.json cannot be read as JSON"):
        read_folder(folder)


def test_two_text_encoders(folder: Path) -> None:
    shutil.copytree(folder / "text_encoder", folder / "text_encoder_2")
    (folder / "tokenizer_2").mkdir()
    with pytest.raises(ModelError, match="has no tokenizer_2/vocab.json"):
        read_folder(folder)
    shutil.copytree(folder / "tokenizer", folder / "tokenizer_2", dirs_exist_ok=True)
    with pytest.raises(ModelError, match="has two text encoders, but its UNet reads one"):
        read_folder(folder)


@pytest.mark.parametrize(
    ("part", "values", "said"),
    [
        ("unet", {"_class_name": "UNet3DConditionModel"}, "UNet3DConditionModel"),
        ("unet", {"addition_embed_type": "text_time"}, "has one text encoder, but its UNet reads two"),
        ("unet", {"addition_embed_type": "image"}, "addition_embed_type 'image'"),
        ("unet", {"class_embed_type": "timestep"}, "class_embed_type"),
        ("unet", {"encoder_hid_dim_type": "image_proj"}, "encoder_hid_dim_type"),
        ("unet", {"down_block_types": ["DownBlock2D"], "up_block_types": ["UpBlock2D"]}, "cross-attention"),
        ("unet", {"in_channels": 9}, "inpainting"),
        ("unet", {"cross_attention_dim": 768}, "768"),
        ("vae", {"_class_name": "AutoencoderTiny"}, "AutoencoderTiny"),
        ("text_encoder", {"model_type": "t5"}, "t5"),
    ],
)
def test_unsupported_kinds(folder: Path, part: str, values: dict[str, Any], said: str) -> None:
    _change(folder / part / "config.json", **values)
    with pytest.raises(ModelError, match=said):
        read_folder(folder)
