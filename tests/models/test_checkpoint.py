"""Models in one safetensors file: the same as their folder, and what is said of files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Mapping

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.original import save_original
from vp2p.errors import ModelError
from vp2p.models.checkpoint import LAYOUTS, read_checkpoint
from vp2p.models.folder import ModelFolder, fingerprint
from vp2p.models.kinds import family
from vp2p.models.loading import LatentModel, load_model
from vp2p.models.opening import open_model
from vp2p.models.sources import located
from vp2p.models.tokenizing import load_second_tokenizer, load_tokenizer
from vp2p.settings import ModelSettings

_UNET = "model.diffusion_model."
_CLIP = {"cond_stage_model.transformer.text_model.embeddings.position_embedding.weight": (77, 768)}
_VAE = {"first_stage_model.decoder.up.0.block.0.conv1.weight": (128, 128, 3, 3)}


@pytest.fixture
def checkpoint(sd1_folder: Path, tmp_path: Path) -> Path:
    return save_original(sd1_folder, tmp_path / "tiny.safetensors")


def _open(file: Path, folder: Path, **options: str) -> ModelFolder:
    return open_model(ModelSettings(model=str(file), model_config=str(folder), **options))


def _load(file: Path, folder: Path, **options: str) -> LatentModel:
    return load_model(ModelSettings(model=str(file), model_config=str(folder), device="cpu", **options))


def _shapes(file: Path, shapes: Mapping[str, tuple[int, ...]], **metadata: str) -> Path:
    """A safetensors file with tensors of these shapes, whose data takes no room on disk."""
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [start, end]}
    told = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(len(told).to_bytes(8, "little") + told)
        stream.truncate(8 + len(told) + end)
    return file


def _stable_diffusion(file: Path, width: int = 768, channels: int = 4, **metadata: str) -> Path:
    shapes = {
        f"{_UNET}input_blocks.0.0.weight": (320, channels, 3, 3),
        f"{_UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, width),
    }
    return _shapes(file, shapes | _CLIP | _VAE, **metadata)


@pytest.mark.parametrize("kind", ["sd1", "sd2", "sdxl"])
def test_a_file_has_the_weights_of_its_folder(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    of_folder: LatentModel = request.getfixturevalue(kind)
    file = save_original(of_folder.folder.path, tmp_path / "tiny.safetensors")
    of_file = _load(file, of_folder.folder.path)
    for part in ("unet", "vae", "texts"):
        wanted, found = getattr(of_folder, part).state_dict(), getattr(of_file, part).state_dict()
        assert wanted.keys() == found.keys()
        assert all(torch.equal(wanted[name], found[name]) for name in wanted), part
    assert of_file.name == "tiny" and of_file.scheduler.config == of_folder.scheduler.config
    ids = [model.tokenizer("an origami cat")["input_ids"] for model in (of_folder, of_file)]
    assert ids[0] == ids[1]


def test_half_precision_and_averaged_weights(checkpoint: Path, sd1: LatentModel, tmp_path: Path) -> None:
    tensors = load_file(checkpoint)
    ema = {
        "model_ema." + name.partition(".")[2].replace(".", ""): tensor.half()
        for name, tensor in tensors.items()
        if name.startswith(_UNET)
    }
    trained = {name: tensor + 1 if name.startswith(_UNET) else tensor for name, tensor in tensors.items()}
    save_file(trained | ema, tmp_path / "both.safetensors")
    unet = _load(tmp_path / "both.safetensors", sd1.folder.path).unet.state_dict()
    assert all(torch.equal(unet[name], tensor.half().float()) for name, tensor in sd1.unet.state_dict().items())


def test_a_lacking_tensor_is_an_error_not_a_random_start(checkpoint: Path, sd1_folder: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint)
    for name in (f"{_UNET}time_embed.0.bias", "first_stage_model.post_quant_conv.bias"):
        save_file({key: tensor for key, tensor in tensors.items() if key != name}, tmp_path / "less.safetensors")
        with pytest.raises(ModelError, match="1 tensors are missing"):
            _load(tmp_path / "less.safetensors", sd1_folder)


def test_the_configuration_must_fit(
    checkpoint: Path, folder: Path, sd2_folder: Path, sdxl_folder: Path, tmp_path: Path
) -> None:
    for other in (sd2_folder, sdxl_folder):
        with pytest.raises(ModelError, match=f"configurations in {other} are of another kind of model") as caught:
            _open(checkpoint, other)
        assert caught.value.hint.startswith(f"--model {checkpoint} --model-config FOLDER")
    file = folder / "unet" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"use_linear_projection": True}))
    with pytest.raises(ModelError, match="weight is of another size than its configuration says") as caught:
        _load(checkpoint, folder)
    assert "--model-config" in caught.value.hint
    usual = _stable_diffusion(tmp_path / "usual.safetensors")
    with pytest.raises(ModelError, match="of another kind of model") as caught:
        _open(usual, sd2_folder)
    assert caught.value.hint.startswith("leave out --model-config, or")


def test_the_fingerprint_is_of_contents(checkpoint: Path, folder: Path, tmp_path: Path) -> None:
    first = fingerprint(_open(checkpoint, folder))
    moved = checkpoint.rename(tmp_path / "moved.safetensors")
    assert fingerprint(_open(moved, folder)) == first
    assert fingerprint(_open(moved, folder, prediction_type="epsilon")) == first  # what it is anyway
    assert fingerprint(_open(moved, folder, prediction_type="v_prediction")) != first
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text().replace('"sample_size": 16', '"sample_size": 32'))
    assert fingerprint(_open(moved, folder)) != first


def test_paths_mean_the_same_from_elsewhere(
    checkpoint: Path, sd1_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(checkpoint.parent)
    (tmp_path / "config").symlink_to(sd1_folder)
    found = located(ModelSettings(model="tiny.safetensors", model_config="config"))
    assert (found.model, found.model_config) == (str(checkpoint), str(tmp_path / "config"))


@pytest.mark.parametrize(
    ("width", "metadata", "prediction", "size", "pad"),
    [
        (768, {}, "epsilon", 512, 49407),
        (768, {"modelspec.prediction_type": "v"}, "v_prediction", 512, 49407),
        (1024, {}, "v_prediction", 768, 0),
        (1024, {"modelspec.prediction_type": "epsilon"}, "epsilon", 512, 0),
    ],
)
def test_the_usual_sizes_need_no_configuration(
    tmp_path: Path, width: int, metadata: dict[str, str], prediction: str, size: int, pad: int
) -> None:
    model = read_checkpoint(_stable_diffusion(tmp_path / "model.safetensors", width, **metadata))
    assert (model.scheduler["prediction_type"], model.native_size, model.downscale) == (prediction, size, 8)
    tokenizer = load_tokenizer(model)
    assert (len(tokenizer), tokenizer.model_max_length, tokenizer.pad_token_id) == (49408, 77, pad)
    assert bool(model.notes) == (width == 1024 and not metadata)
    assert read_checkpoint(model.path, prediction="epsilon").scheduler["prediction_type"] == "epsilon"


def test_the_vocabulary_is_that_of_clip(tmp_path: Path) -> None:
    """The ids that OpenAI's CLIP gives."""
    tokenizer = load_tokenizer(read_checkpoint(_stable_diffusion(tmp_path / "model.safetensors")))
    assert tokenizer("a photo of a cat")["input_ids"] == [49406, 320, 1125, 539, 320, 2368, 49407]
    assert tokenizer("A Diagram!")["input_ids"] == [49406, 320, 22697, 256, 49407]
    assert tokenizer.decode(tokenizer("café origami")["input_ids"], skip_special_tokens=True) == "café origami"


def test_a_file_of_xl_finds_its_configurations(tmp_path: Path) -> None:
    shapes = {
        f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
        f"{_UNET}input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
        f"{_UNET}label_emb.0.0.weight": (1280, 2816),
        "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
    }
    model = read_checkpoint(_shapes(tmp_path / "xl.safetensors", shapes | _VAE))
    assert model.text_shape == (78, 2048) and model.native_size == 1024 and model.size_multiple == 32
    assert list(model.parts) == ["unet", "vae", "text_encoder", "text_encoder_2"] and model.zeros_for_empty
    assert family(model.unet, model.scheduler) == "Stable Diffusion XL" and model.notes == ()
    tokenizers = load_tokenizer(model), load_second_tokenizer(model)
    assert [one and one.pad_token for one in tokenizers] == ["<|endoftext|>", "!"]
    v = read_checkpoint(_shapes(tmp_path / "v.safetensors", {**shapes, **_VAE, "v_pred": ()}))
    assert v.scheduler["prediction_type"] == "v_prediction"


def test_the_configurations_of_xl_are_of_the_published_sizes() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(LAYOUTS / "sdxl" / "unet"))
        text = CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(LAYOUTS / "sdxl" / "text_encoder_2"))
    found = [sum(one.numel() for one in part.parameters()) for part in (unet, text)]
    assert found == [2_567_463_684, 694_659_840]


@pytest.mark.parametrize(
    ("layout", "parameters"),
    [
        ("sd1", (859_520_964, 83_653_863, 123_060_480)),
        ("sd2", (865_910_724, 83_653_863, 340_387_840)),
        ("sd2-base", (865_910_724, 83_653_863, 340_387_840)),
    ],
)
def test_the_configurations_are_of_the_published_sizes(layout: str, parameters: tuple[int, int, int]) -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(LAYOUTS / layout / "unet"))
        vae = AutoencoderKL.from_config(AutoencoderKL.load_config(LAYOUTS / layout / "vae"))
        text = CLIPTextModel(CLIPTextConfig.from_pretrained(LAYOUTS / layout / "text_encoder"))
    assert tuple(sum(one.numel() for one in part.parameters()) for part in (unet, vae, text)) == parameters


OTHERS = [
    ({"lora_unet_mid_block.lora_down.weight": (4, 8)}, "a LoRA", "--lora"),
    ({"unet.mid_block.attentions.0.lora_A.weight": (4, 8)}, "a LoRA", "--lora"),
    (
        {"conditioner.embedders.0.model.x": (8,), f"{_UNET}label_emb.0.0.weight": (8,)},
        "Stable Diffusion XL refiner",
        "",
    ),
    ({f"{_UNET}input_blocks.0.0.weight": (8,), f"{_UNET}label_emb.0.0.weight": (8,)}, "without text encoders", ""),
    ({f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3), "ztsnr": (1,), **_CLIP}, "zero terminal SNR", ""),
    ({"double_blocks.0.img_attn.norm.key_norm.scale": (128,)}, "flux", ""),
    ({"head.modulation": (1, 2, 1536), "patch_embedding.weight": (1536, 16, 1, 2, 2)}, "wan-t2v-1.3B", ""),
    ({"control_model.time_embed.0.weight": (8, 8)}, "a ControlNet", ""),
    ({"emb_params": (2, 768)}, "a textual inversion", ""),
    ({"decoder.up.0.block.0.conv1.weight": (128, 128, 3, 3)}, "a VAE alone", "--vae"),
    ({"down_blocks.0.resnets.0.conv1.weight": (8, 8, 3, 3)}, "a UNet alone", "folder"),
    ({f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3)}, "without a text encoder", "whole"),
    ({f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3), **_CLIP}, "not the sizes", "--model-config"),
    ({"x": (1,)}, "no model of a kind", "--model"),
]


@pytest.mark.parametrize(("shapes", "cause", "hint"), OTHERS, ids=[one[1] for one in OTHERS])
def test_what_is_no_such_model_is_named(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]], cause: str, hint: str
) -> None:
    with pytest.raises(ModelError, match=cause) as caught:
        read_checkpoint(_shapes(tmp_path / "file.safetensors", shapes))
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("channels", "kind"), [(9, "inpainting"), (8, "InstructPix2Pix"), (5, "depth"), (7, "upscaler")]
)
def test_a_unet_that_reads_more_is_named(tmp_path: Path, folder: Path, channels: int, kind: str) -> None:
    with pytest.raises(ModelError, match=kind):
        read_checkpoint(_stable_diffusion(tmp_path / "file.safetensors", channels=channels))
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text().replace('"in_channels": 4', f'"in_channels": {channels}'))
    with pytest.raises(ModelError, match=kind):
        open_model(ModelSettings(model=str(folder)))


def test_a_checkpoint_without_a_vae(tmp_path: Path) -> None:
    shapes = {
        f"{_UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
        f"{_UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
    }
    file = _shapes(tmp_path / "file.safetensors", shapes | _CLIP)
    with pytest.raises(ModelError, match="without a VAE") as caught:
        open_model(ModelSettings(model=str(file)))
    assert "--vae" in caught.value.hint
    vae = _shapes(tmp_path / "vae.safetensors", {"decoder.up.0.block.0.conv1.weight": (128, 128, 3, 3)})
    assert open_model(ModelSettings(model=str(file), vae=str(vae))).downscale == 8


@pytest.mark.parametrize(
    ("pipeline", "kind"),
    [
        ("StableDiffusionXLInpaintPipeline", "inpainting"),
        ("StableDiffusionInpaintPipeline", "inpainting"),
        ("FluxPipeline", "Flux"),
        ("WanPipeline", "Wan video"),
        ("TextToVideoSDPipeline", "text-to-video"),
        ("HunyuanVideoPipeline", "HunyuanVideo"),
    ],
)
def test_a_folder_of_another_pipeline_is_named(folder: Path, pipeline: str, kind: str) -> None:
    (folder / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    with pytest.raises(ModelError, match=kind):
        open_model(ModelSettings(model=str(folder)))


def test_configurations_are_for_files(checkpoint: Path, sd1_folder: Path) -> None:
    with pytest.raises(ModelError, match="--model-config is for a checkpoint in one file"):
        _open(sd1_folder, sd1_folder)
    wrong = {
        "": "name of the folder of configurations is empty",
        str(checkpoint): "is a file, but --model-config takes a folder",
        str(sd1_folder / "unet"): "holds no configurations of a model; it holds a UNet2DConditionModel alone",
    }
    for config, cause in wrong.items():
        with pytest.raises(ModelError, match=cause) as caught:
            open_model(ModelSettings(model=str(checkpoint), model_config=config))
        assert caught.value.hint.startswith("give --model-config")
    with pytest.raises(ModelError, match="no folder of configurations 'nowhere'"):
        open_model(ModelSettings(model=str(checkpoint), model_config="nowhere"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-8])
    with pytest.raises(ModelError, match="cut short"):
        _open(checkpoint, sd1_folder)
