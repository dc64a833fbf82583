"""Weight files as they are on people's disks: variants, shards, both together, and what is not whole."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextModel

from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint, read_folder
from vp2p.models.loading import load_model
from vp2p.models.sources import find_model
from vp2p.settings import ModelSettings

UNET = "diffusion_pytorch_model"


def _plain(folder: Path) -> Path:
    return folder / "unet" / f"{UNET}.safetensors"


def _resave(folder: Path, **options: object) -> None:
    """The UNet and the text encoder saved in another form by the libraries themselves."""
    for cls, part in ((UNet2DConditionModel, "unet"), (CLIPTextModel, "text_encoder")):
        network = cls.from_pretrained(folder / part)
        for file in (folder / part).glob("*.safetensors"):
            file.unlink()
        network.save_pretrained(folder / part, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"variant": "fp16"},
        {"variant": "bf16"},
        {"variant": "non_ema"},
        {"variant": "ema"},
        {"max_shard_size": "60KB"},
        {"variant": "fp16", "max_shard_size": "60KB"},
        {"variant": "my_own", "max_shard_size": "60KB"},
    ],
    ids=str,
)
def test_every_form_in_which_the_libraries_save_loads_with_the_same_weights(
    folder: Path, options: dict[str, str]
) -> None:
    before = load_model(ModelSettings(model=str(folder))).unet.state_dict()
    first = fingerprint(read_folder(folder))
    _resave(folder, **options)
    found = read_folder(folder)
    assert found.variants["unet"] == options.get("variant")
    assert bool(found.notes) == ("variant" in options)
    after = load_model(ModelSettings(model=str(folder))).unet.state_dict()
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())
    assert fingerprint(found) != first  # other files


def test_plain_weights_are_taken_beside_variants_and_keep_their_fingerprint(folder: Path) -> None:
    before = fingerprint(read_folder(folder))
    shutil.copy(_plain(folder), folder / "unet" / f"{UNET}.fp16.safetensors")
    found = read_folder(folder)
    assert found.variants["unet"] is None and fingerprint(found) == before


@pytest.mark.parametrize(
    ("variants", "taken"),
    [
        (("non_ema", "ema"), "ema"),
        (("fp16", "non_ema"), "fp16"),
        (("fp16", "bf16"), "fp16"),
        (("bf16", "ema"), "ema"),
        (("b", "a"), "a"),
    ],
)
def test_of_several_variants_one_is_taken_and_named(folder: Path, variants: tuple[str, ...], taken: str) -> None:
    for variant in variants:
        shutil.copy(_plain(folder), folder / "unet" / f"{UNET}.{variant}.safetensors")
    _plain(folder).unlink()
    found = read_folder(folder)
    assert found.variants["unet"] == taken
    assert found.notes == (f"the model's weights are the variant {taken}",)
    before = fingerprint(found)
    (folder / "unet" / f"{UNET}.{next(v for v in variants if v != taken)}.safetensors").unlink()
    assert fingerprint(read_folder(folder)) == before  # it covers what is loaded


def test_a_variant_that_is_whole_is_taken_for_plain_shards_that_are_not(folder: Path) -> None:
    whole = _plain(folder).read_bytes()
    _resave(folder, max_shard_size="60KB")
    shard = sorted((folder / "unet").glob("*-of-*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(ModelError, match=f"{shard.name} is missing"):
        read_folder(folder)
    (folder / "unet" / f"{UNET}.fp16.safetensors").write_bytes(whole)
    assert read_folder(folder).variants["unet"] == "fp16"


def test_shards_without_their_index_are_named(folder: Path) -> None:
    _resave(folder, max_shard_size="60KB")
    index = folder / "unet" / f"{UNET}.safetensors.index.json"
    for damage in (lambda: index.write_text("[1]"), index.unlink):
        damage()
        with pytest.raises(ModelError, match=index.name):
            read_folder(folder)


def test_files_that_are_not_whole_are_named(folder: Path) -> None:
    file = _plain(folder)
    whole = file.read_bytes()
    for data, why in (
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n", "pointer of Git LFS"),
        (whole[:-100], f"has {len(whole) - 100} of {len(whole)} bytes"),
        (whole[:100], "cut short"),
        (b"", "cut short"),
        (b"\x10" + bytes(7) + b"not JSON at all." + bytes(40), "damaged"),
    ):
        file.write_bytes(data)
        with pytest.raises(ModelError, match=why) as caught:
            read_folder(folder)
        assert str(file) in caught.value.cause


def test_weights_under_another_name_are_named(folder: Path) -> None:
    _plain(folder).rename(folder / "unet" / "pytorch_model.safetensors")
    with pytest.raises(ModelError) as caught:
        read_folder(folder)
    assert "there is pytorch_model.safetensors" in caught.value.cause and "rename" in caught.value.hint


def test_the_folder_that_was_meant_is_in_the_hint(folder: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    inner = shutil.copytree(folder, outer / "my model")
    (inner / "model_index.json").write_text("{}")
    with pytest.raises(ModelError) as caught:
        read_folder(outer)
    assert caught.value.hint == f"--model '{inner}'"
    with pytest.raises(ModelError) as caught:
        read_folder(inner / "unet")
    assert caught.value.hint == f"--model '{inner}'"
    cache = tmp_path / "models--a--b"
    (cache / "snapshots").mkdir(parents=True)
    shutil.copytree(inner, cache / "snapshots" / "abc")
    with pytest.raises(ModelError) as caught:
        read_folder(cache)
    assert caught.value.hint == f"--model {cache / 'snapshots' / 'abc'}"


def test_a_single_file_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "dreamy_v8.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="dreamy_v8.safetensors, which is a single-file checkpoint"):
        read_folder(tmp_path)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("https://huggingface.co/org/name", "--model org/name"),
        ("https://hf.co/org/name/tree/main", "--model org/name"),
        ("https://example.org/model.zip", "download it first, then --model PATH"),
        ("s3://bucket/model", "download it first, then --model PATH"),
    ],
)
def test_an_address_is_said_to_be_one(address: str, hint: str) -> None:
    with pytest.raises(ModelError, match="is an address") as caught:
        find_model(address)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"sample_size": 64}, 512),
        ({"sample_size": 32, "_diffusers_version": "0.6.0"}, 512),  # as diffusers reads these
        ({"sample_size": 32, "_diffusers_version": "0.8.1"}, 512),
        ({"sample_size": 96, "_diffusers_version": "0.6.0"}, 768),
        ({"sample_size": 32, "_diffusers_version": "0.9.0"}, 256),
        ({"sample_size": 32, "_diffusers_version": "0.10.2"}, 256),
        ({"sample_size": 32, "_diffusers_version": None}, 256),
        ({"sample_size": [64, 96]}, (768, 512)),
    ],
    ids=str,
)
def test_the_size_is_what_diffusers_makes_of_it(sd1_folder: Path, folder: Path, config: dict, size: object) -> None:
    file = folder / "unet" / "config.json"
    values = json.loads(file.read_text())
    values.pop("_diffusers_version", None)
    file.write_text(json.dumps(values | config))
    assert read_folder(folder).native_size == size


@pytest.mark.parametrize("size", ["64", 64.0, 0, -8, True, [64], [64, "64"], {}, [[64, 64]] * 9])
def test_a_size_that_is_none_is_named(folder: Path, size: object) -> None:
    file = folder / "unet" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"sample_size": size}))
    with pytest.raises(ModelError, match="sample_size is .*, which is no size"):
        read_folder(folder)


def test_a_byte_order_mark_is_named(folder: Path) -> None:
    file = folder / "vae" / "config.json"
    file.write_text(file.read_text(), encoding="utf-8-sig")
    with pytest.raises(ModelError, match="BOM") as caught:
        read_folder(folder)
    assert "UTF-8" in caught.value.hint


def test_a_model_that_does_not_say_its_size_needs_one(folder: Path) -> None:
    _set(folder / "unet" / "config.json", sample_size=None)
    found = read_folder(folder)
    with pytest.raises(ModelError, match="no sample_size") as caught:
        print(found.native_size)
    assert "--size 512" in caught.value.hint


def test_whole_weights_are_taken_for_those_that_git_did_not_fetch(folder: Path) -> None:
    shutil.copy(_plain(folder), folder / "unet" / f"{UNET}.bf16.safetensors")
    _plain(folder).write_text("version https://git-lfs.github.com/spec/v1\n")
    assert load_model(ModelSettings(model=str(folder))).folder.variants["unet"] == "bf16"


@pytest.mark.parametrize("name", ["model", "version-1.5.fp16"], ids=["plain name", "name with points"])
def test_shards_in_the_old_naming_load_with_the_same_weights(folder: Path, tmp_path: Path, name: str) -> None:
    before = load_model(ModelSettings(model=str(folder))).unet.state_dict()
    _resave(folder, variant="fp16", max_shard_size="60KB")
    parts = folder / "unet"
    index = parts / f"{UNET}.safetensors.index.fp16.json"
    content = index.read_text()
    for file in list(parts.glob("*.safetensors")):
        old = file.name.replace(".fp16", "").replace(".safetensors", ".fp16.safetensors")
        content = content.replace(file.name, old)
        file.rename(parts / old)
    index.unlink()
    (parts / f"{UNET}.safetensors.fp16.index.json").write_text(content)
    moved = tmp_path / name
    folder.rename(moved)
    after = load_model(ModelSettings(model=str(moved))).unet.state_dict()
    assert all(torch.equal(before[key], tensor) for key, tensor in after.items())
    assert read_folder(moved).variants["unet"] == "fp16"


def test_a_whole_file_is_taken_beside_shards_that_are_not(folder: Path) -> None:
    before = load_model(ModelSettings(model=str(folder))).unet.state_dict()
    whole = _plain(folder).read_bytes()
    _resave(folder, max_shard_size="60KB")
    sorted((folder / "unet").glob("*-of-*.safetensors"))[0].unlink()
    _plain(folder).write_bytes(whole)
    after = load_model(ModelSettings(model=str(folder))).unet.state_dict()
    assert all(torch.equal(before[key], tensor) for key, tensor in after.items())


@pytest.mark.parametrize("ending", [".incomplete", ".part", ".crdownload"])
def test_a_download_that_did_not_end_is_named(folder: Path, ending: str) -> None:
    _plain(folder).rename(f"{_plain(folder)}{ending}")
    with pytest.raises(ModelError, match="not wholly downloaded") as caught:
        read_folder(folder)
    assert ending in caught.value.cause


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"PK\x03\x04" + bytes(99), "is a pickle"), (b"<!DOCTYPE html>" + bytes(99), "is a web page")],
)
def test_files_of_another_kind_are_named(folder: Path, data: bytes, why: str) -> None:
    _plain(folder).write_bytes(data)
    with pytest.raises(ModelError, match=why):
        read_folder(folder)


def test_a_header_whose_length_begins_as_a_pickle_does_is_a_header(folder: Path) -> None:
    begins = set()
    for padding in range(0, 1000, 8):
        save_file({"x": torch.zeros(1)}, _plain(folder), {"x": "x" * padding})
        begins.add(_plain(folder).read_bytes()[:2])
        assert read_folder(folder).variants["unet"] is None
    assert begins >= {b"\x80\x02", b"\x80\x03"}


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("unet/config.json", {"down_block_types": 5}),
        ("unet/config.json", {"down_block_types": [["a"]]}),
        ("unet/config.json", {"block_out_channels": "x"}),
        ("unet/config.json", {"in_channels": "4"}),
        ("unet/config.json", {"cross_attention_dim": None}),
        ("vae/config.json", {"block_out_channels": None}),
        ("vae/config.json", {"scaling_factor": 0}),
        ("text_encoder/config.json", {"hidden_size": True}),
        ("text_encoder/config.json", {"max_position_embeddings": "77"}),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 0}),
        ("scheduler/scheduler_config.json", {"beta_start": float("nan")}),
        ("scheduler/scheduler_config.json", {"trained_betas": []}),
        ("vp2p.json", {"words": 5}),
        ("vp2p.json", {"settings": {"tune": 5}}),
    ],
    ids=str,
)
def test_a_value_of_a_wrong_type_is_named_with_its_file(folder: Path, file: str, values: dict) -> None:
    (name,) = values
    _set(folder / file, **values)
    with pytest.raises(ModelError) as caught:
        read_folder(folder)
    assert f"{folder / file} says that {name} is" in caught.value.cause and name in caught.value.hint


@pytest.mark.parametrize("values", [{"beta_end": 2}, {"beta_start": -1.0}, {"trained_betas": [1]}], ids=str)
def test_betas_that_make_no_schedule_are_refused(folder: Path, values: dict) -> None:
    _set(folder / "scheduler" / "scheduler_config.json", **values)
    with pytest.raises(ModelError, match="no noise schedule"):
        load_model(ModelSettings(model=str(folder)))


@pytest.mark.parametrize("length", ["77", 0])
def test_a_tokenizer_without_a_length_is_refused(folder: Path, length: object) -> None:
    _set(folder / "tokenizer" / "tokenizer_config.json", model_max_length=length)
    with pytest.raises(ModelError, match="model_max_length"):
        load_model(ModelSettings(model=str(folder)))


def test_parts_and_other_kinds_are_said_to_be_ones(folder: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(folder / "unet", tmp_path / "parts" / "alone")
    with pytest.raises(ModelError, match="holds a UNet2DConditionModel alone"):
        read_folder(alone)
    _set(alone / "config.json", _class_name="ControlNetModel")
    with pytest.raises(ModelError, match="holds a ControlNet, which steers a model"):
        read_folder(alone)
    for kind, name, option in (
        ("sam2_video", "a SAM 2 model", "--segmenter"),
        ("clip", "a CLIP model", "--clip-model"),
    ):
        _set(alone / "config.json", model_type=kind)
        with pytest.raises(ModelError, match=f"holds {name}") as caught:
            read_folder(alone)
        assert f"{option} {alone}" in caught.value.hint
    (alone / "config.json").unlink()
    (alone / f"{UNET}.safetensors").unlink()
    save_file({"unet.x.lora_A.weight": torch.zeros(1)}, alone / "my_style.safetensors")
    with pytest.raises(ModelError, match="holds a LoRA"):
        read_folder(alone)
    shutil.rmtree(folder / "unet")
    (folder / "transformer").mkdir()
    with pytest.raises(ModelError, match="Stable Diffusion 3 and Flux"):
        read_folder(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="is empty"):
        read_folder(tmp_path / "empty")


def test_the_command_that_converts_a_single_file_can_be_typed(tmp_path: Path) -> None:
    file = tmp_path / "my model.ckpt"
    file.write_bytes(b"")
    with pytest.raises(ModelError, match="is a single file") as caught:
        find_model(str(file))
    command, folder = caught.value.hint.split(", then --model ")
    words = shlex.split(command)
    assert words[:2] == ["python", "-c"] and words[3:] == [str(file), *shlex.split(folder)]
    compile(words[2], "hint", "exec")


def _set(file: Path, **values: object) -> None:
    before = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(before | values))
