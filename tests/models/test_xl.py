"""Stable Diffusion XL: two text encoders and added conditions, as diffusers' own pipeline and UNet have them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from torch import Tensor

from tests.loras import adapted
from vp2p.errors import ModelError, PromptError
from vp2p.models.folder import fingerprint, read_folder
from vp2p.models.loading import LatentModel, load_model, quiet_libraries
from vp2p.models.text import encode_prompts, encode_unconditional
from vp2p.models.whole import check_whole
from vp2p.settings import ModelSettings
from vp2p.t2s.inflation import TextToSetModel

_PROMPTS = ["a cat on the grass", "a big red dog is running"]
_POOLED = 32


@pytest.fixture
def folder(sdxl_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sdxl_folder, tmp_path / "model"))


@pytest.fixture(scope="module")
def pipeline(sdxl_folder: Path) -> StableDiffusionXLPipeline:
    with quiet_libraries():
        return StableDiffusionXLPipeline.from_pretrained(sdxl_folder, local_files_only=True, add_watermarker=False)


def _change(file: Path, **values: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _parts(text: Tensor) -> tuple[Tensor, Tensor]:
    """The tokens' rows and the pooled embedding."""
    assert not text[:, -1, _POOLED:].any()
    return text[:, :-1], text[:, -1, :_POOLED]


@torch.no_grad()
def test_texts_are_those_of_the_pipeline(sdxl: LatentModel, pipeline: StableDiffusionXLPipeline) -> None:
    tokens, pooled = _parts(encode_prompts(sdxl, _PROMPTS))
    wanted, no_tokens, wanted_pooled, no_pooled = pipeline.encode_prompt(_PROMPTS, device="cpu")
    torch.testing.assert_close(tokens, wanted, rtol=0, atol=1e-6)
    torch.testing.assert_close(pooled, wanted_pooled, rtol=0, atol=1e-6)
    pads = [one.pad_token_id for one in (sdxl.tokenizer, sdxl.tokenizer_2) if one is not None]
    assert len(set(pads)) == 2, "the two tokenizers pad otherwise, so the test sees that each is used"
    empty = encode_unconditional(sdxl)
    assert not empty.any() and not no_tokens.any() and not no_pooled.any() and empty.shape == (1, 33, 64)


@torch.no_grad()
def test_negative_prompts_are_those_of_the_pipeline(sdxl: LatentModel, pipeline: StableDiffusionXLPipeline) -> None:
    for negative, found in (("snow", encode_unconditional(sdxl, "snow")), ("", encode_prompts(sdxl, [""]))):
        _, wanted, _, wanted_pooled = pipeline.encode_prompt("a cat", device="cpu", negative_prompt=negative)
        for one, other in zip(_parts(found), (wanted, wanted_pooled)):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_the_empty_prompt_is_encoded_where_the_model_says_so(folder: Path) -> None:
    zeros = fingerprint(read_folder(folder))
    _change(folder / "model_index.json", force_zeros_for_empty_prompt=False)
    model = load_model(ModelSettings(model=str(folder), device="cpu"))
    assert torch.equal(encode_unconditional(model), encode_prompts(model, [""]))
    assert fingerprint(model.folder) != zeros
    (folder / "model_index.json").unlink()
    assert fingerprint(read_folder(folder)) == zeros


def test_a_prompt_that_is_too_long(sdxl: LatentModel) -> None:
    with pytest.raises(PromptError, match="reads at most 30"):
        encode_prompts(sdxl, ["cat " * 31])


def _image_model(folder: Path, latents: Tensor, text: Tensor, size: tuple[int, int]) -> Tensor:
    """What diffusers' own UNet predicts for rows of latents (N, c, h, w), each with its text."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet").eval()
    tokens, pooled = _parts(text)
    ids = torch.tensor([[*size, 0, 0, *size]] * len(latents), dtype=torch.float32)
    with torch.no_grad():
        return unet(latents, 300, tokens, added_cond_kwargs={"text_embeds": pooled, "time_ids": ids}).sample


@torch.no_grad()
def test_one_frame_is_the_image_model(sdxl_folder: Path, sdxl: LatentModel) -> None:
    model = TextToSetModel(UNet2DConditionModel.from_pretrained(sdxl_folder / "unet").eval(), downscale=4)
    assert model.hooked == 3 * 18  # two and three blocks deep, not one
    latents, text = torch.randn(2, 1, 4, 12, 16), encode_prompts(sdxl, _PROMPTS)
    wanted = _image_model(sdxl_folder, latents[:, 0], text, (48, 64))
    torch.testing.assert_close(model(latents, 300, text)[:, 0], wanted, rtol=1e-5, atol=1e-5)
    other = _image_model(sdxl_folder, latents[:, 0], text, (64, 64))
    assert (other - wanted).abs().max() > 1e-3, "the size is read"
    assert (_image_model(sdxl_folder, latents[:, 0], text.flip(0), (48, 64)) - wanted).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("each", [False, True], ids=["a text a branch", "a text a frame"])
def test_frames_have_the_text_of_their_branch(sdxl_folder: Path, sdxl: LatentModel, each: bool) -> None:
    unet = UNet2DConditionModel.from_pretrained(sdxl_folder / "unet").eval()
    model = TextToSetModel(unet, attention="self", downscale=4)
    latents, text = torch.randn(2, 3, 4, 8, 8), encode_prompts(sdxl, _PROMPTS)
    rows = text.repeat_interleave(3, 0)
    if each:
        rows = rows * torch.linspace(0.5, 1, 6)[:, None, None]
        text = rows.unflatten(0, (2, 3))
    wanted = _image_model(sdxl_folder, latents.flatten(0, 1), rows, (32, 32))
    torch.testing.assert_close(model(latents, 300, text).flatten(0, 1), wanted, rtol=1e-5, atol=1e-5)


def test_the_pooled_embedding_is_held(sdxl_folder: Path, sdxl: LatentModel) -> None:
    model = TextToSetModel(UNet2DConditionModel.from_pretrained(sdxl_folder / "unet"), downscale=4).eval()
    text = encode_prompts(sdxl, [""]).requires_grad_()
    model(torch.randn(1, 2, 4, 8, 8), 300, text).square().sum().backward()
    assert text.grad is not None and not text.grad[:, -1].any() and text.grad[:, :-1].abs().amax(2).all()


def test_the_vae_and_the_texts_are_float32_whatever_the_unet_is(sdxl_folder: Path) -> None:
    assert read_folder(sdxl_folder).vae["force_upcast"]
    model = load_model(ModelSettings(model=str(sdxl_folder), device="cpu", dtype="bf16"))
    assert model.unet.dtype == torch.bfloat16
    assert {one.dtype for part in (model.vae, model.texts) for one in part.parameters()} == {torch.float32}
    with torch.no_grad():
        found = TextToSetModel(model.unet)(torch.randn(1, 1, 4, 8, 8), 300, encode_prompts(model, ["a cat"]))
    assert found.dtype == torch.float32 and found.isfinite().all()


@pytest.mark.usefixtures("peft")
@pytest.mark.parametrize("form", ["all", "kohya"])
def test_a_lora_of_all_three_networks(sdxl: LatentModel, tmp_path: Path, form: str) -> None:
    wanted = adapted(sdxl, rank=4, alpha=2)
    saved = wanted.save_all(tmp_path / "lora") if form == "all" else wanted.save_kohya(tmp_path / "k.safetensors", 2)
    fused = load_model(
        dataclasses.replace(ModelSettings(model=str(sdxl.folder.path), device="cpu"), lora=(str(saved),))
    )
    by_peft = dataclasses.replace(sdxl, text_encoder=wanted.text_encoder, text_encoder_2=wanted.text_encoder_2)
    found, plain = encode_prompts(fused, _PROMPTS), encode_prompts(sdxl, _PROMPTS)
    torch.testing.assert_close(found, encode_prompts(by_peft, _PROMPTS), rtol=1e-4, atol=1e-5)
    for part in (slice(0, 24), slice(24, 64)):  # the widths of the two encoders
        assert (found - plain)[:, :-1, part].abs().max() > 1e-3
    latents = torch.randn(1, 1, 4, 8, 8)
    with torch.no_grad():
        tokens, pooled = _parts(found)
        ids = torch.tensor([[64, 64, 0, 0, 64, 64]] * 2, dtype=torch.float32)
        told = {"text_embeds": pooled, "time_ids": ids}
        rows = latents[0].repeat(2, 1, 1, 1)
        one, other = (unet(rows, 300, tokens, added_cond_kwargs=told).sample for unet in (fused.unet, wanted.unet))
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_the_fingerprint_covers_the_second_text_encoder(folder: Path) -> None:
    seen = {fingerprint(read_folder(folder))}
    for file in ("text_encoder_2/config.json", "text_encoder_2/model.safetensors", "tokenizer_2/tokenizer.json"):
        with (folder / file).open("ab") as stream:
            stream.write(b" ")
        seen.add(fingerprint(read_folder(folder)))
    assert len(seen) == 4


def test_every_part_is_looked_through(folder: Path) -> None:
    found = check_whole(read_folder(folder))
    assert list(found) == ["unet", "vae", "text_encoder", "text_encoder_2"] and all(found.values())
    (folder / "text_encoder_2" / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="text_encoder_2/model.safetensors is cut short"):
        read_folder(folder)


def _without_first_encoder(folder: Path) -> None:
    shutil.rmtree(folder / "text_encoder")
    shutil.rmtree(folder / "tokenizer")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_first_encoder, "is a Stable Diffusion XL refiner"),
        (lambda one: _change(one / "unet/config.json", projection_class_embeddings_input_dim=72), "refiner"),
        (lambda one: _change(one / "unet/config.json", projection_class_embeddings_input_dim=96), "of other sizes"),
        (lambda one: _change(one / "unet/config.json", addition_time_embed_dim=None), "of other sizes"),
        (lambda one: _change(one / "unet/config.json", addition_embed_type=None), "two text encoders, but"),
        (lambda one: _change(one / "unet/config.json", cross_attention_dim=24), "text encoders of width 64"),
        (lambda one: _change(one / "unet/config.json", in_channels=9), "is an inpainting model"),
        (lambda one: _change(one / "text_encoder_2/config.json", model_type="t5"), "of type t5"),
        (lambda one: _change(one / "scheduler/scheduler_config.json", _class_name="EDMEulerScheduler"), "EDM"),
        (lambda one: shutil.rmtree(one / "tokenizer_2"), "no tokenizer_2/vocab.json"),
    ],
)
def test_what_is_no_such_model_is_refused(folder: Path, change: Any, said: str) -> None:
    change(folder)
    with pytest.raises(ModelError, match=said):
        load_model(ModelSettings(model=str(folder), device="cpu"))
