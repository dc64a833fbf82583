"""Loading both kinds of model, and damaged ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint, read_folder
from vp2p.models.loading import LatentModel, load_model
from vp2p.settings import ModelSettings


def _load(folder: Path, **options: str) -> LatentModel:
    return load_model(ModelSettings(model=str(folder), device="cpu", **options))


def test_sd1_properties(sd1: LatentModel) -> None:
    assert sd1.name == "tiny-sd1"
    assert (sd1.latent_channels, sd1.folder.downscale, sd1.folder.size_multiple) == (4, 8, 64)
    assert (sd1.folder.native_size, sd1.token_limit) == (128, 77)
    assert sd1.scheduler.config.prediction_type == "epsilon"
    assert sd1.folder.known_words is None


def test_sd2_properties(sd2: LatentModel) -> None:
    assert (sd2.latent_channels, sd2.folder.downscale, sd2.folder.size_multiple) == (4, 4, 16)
    assert (sd2.folder.native_size, sd2.token_limit) == (64, 32)
    assert sd2.scheduler.config.prediction_type == "v_prediction"


def test_native_size_of_an_oblong_model_is_width_by_height(folder: Path) -> None:
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text().replace('"sample_size": 16', '"sample_size": [8, 24]'))
    assert _load(folder).folder.native_size == (192, 64)


def test_everything_is_frozen_and_on_the_device(sd1: LatentModel, sd2: LatentModel) -> None:
    for model in (sd1, sd2):
        for part in (model.unet, model.vae, model.text_encoder):
            assert not part.training
            assert not any(tensor.requires_grad for tensor in part.parameters())
            assert {tensor.device.type for tensor in part.parameters()} == {"cpu"}


def test_loaded_weights_are_the_files(sd1: LatentModel, sd1_folder: Path) -> None:
    saved = load_file(sd1_folder / "unet" / "diffusion_pytorch_model.safetensors")
    loaded = sd1.unet.state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_bf16_is_for_the_unet_alone(sd1_folder: Path) -> None:
    model = _load(sd1_folder, dtype="bf16")
    assert model.dtype == torch.bfloat16
    assert {tensor.dtype for tensor in model.unet.parameters()} == {torch.bfloat16}
    assert {tensor.dtype for tensor in model.vae.parameters()} == {torch.float32}
    assert {tensor.dtype for tensor in model.text_encoder.parameters()} == {torch.float32}


def test_half_precision_files_load_as_fp32(folder: Path) -> None:
    for file in folder.rglob("*.safetensors"):
        save_file({name: tensor.half() for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    model = _load(folder)
    for part in (model.unet, model.vae, model.text_encoder):
        assert {tensor.dtype for tensor in part.parameters()} == {torch.float32}


def test_fp16_variant_alone_is_enough(folder: Path) -> None:
    for file in list(folder.rglob("*.safetensors")):
        file.rename(file.with_suffix(".fp16.safetensors"))
    assert set(_load(folder).folder.variants.values()) == {"fp16"}


def test_vocabulary_and_name_from_the_card(folder: Path) -> None:
    (folder / "vp2p.json").write_text('{"words": ["Cat", "dog"], "name": "pets"}')
    assert _load(folder).folder.known_words == {"cat", "dog"}


def test_absent_tensor_is_an_error(folder: Path) -> None:
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    tensors = load_file(file)
    del tensors["conv_in.weight"]
    save_file(tensors, file, {"format": "pt"})
    with pytest.raises(ModelError, match="conv_in.weight"):
        _load(folder)


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_truncated_weights_are_an_error(folder: Path, part: str) -> None:
    file = next((folder / part).glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match=part):
        _load(folder)


def test_damaged_tokenizer_is_an_error(folder: Path) -> None:
    (folder / "tokenizer" / "vocab.json").write_text("{")
    with pytest.raises(ModelError, match="tokenizer"):
        _load(folder)


def test_words_that_would_be_read_letter_by_letter_are_an_error(folder: Path) -> None:
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ModelError, match="merges.txt lacks most of its words"):
        _load(folder)


def test_weights_of_other_sizes_than_the_configuration_says_are_an_error(folder: Path) -> None:
    for part, key, value in (("vae", "block_out_channels", [4, 16, 16, 16]), ("text_encoder", "intermediate_size", 8)):
        file = folder / part / "config.json"
        before = file.read_text()
        file.write_text(json.dumps(json.loads(before) | {key: value}))
        with pytest.raises(ModelError, match="of another size than its configuration says"):
            _load(folder)
        file.write_text(before)


def test_tokenizer_of_another_model_is_an_error(folder: Path) -> None:
    vocabulary = folder / "tokenizer" / "vocab.json"
    vocabulary.write_text(vocabulary.read_text("utf-8").replace("{", '{"zebra</w>": 900, ', 1), "utf-8")
    with pytest.raises(ModelError, match="628 tokens"):
        _load(folder)


def test_fingerprint_follows_content_not_place(folder: Path, sd1: LatentModel) -> None:
    assert fingerprint(read_folder(folder)) == fingerprint(sd1.folder)
    (folder / "README.md").write_text("unrelated")
    shutil.copy(folder / "vae/config.json", folder / "vae/notes.json")
    assert fingerprint(read_folder(folder)) == fingerprint(sd1.folder)
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert fingerprint(read_folder(folder)) != fingerprint(sd1.folder)
