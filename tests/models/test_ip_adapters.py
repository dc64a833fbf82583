"""IP-Adapters that ``--ip-adapter`` names: found, checked, loaded, and no part of the model's identity."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.embeddings import IPAdapterFullImageProjection, IPAdapterPlusImageProjection
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessor

from tests.controlnets import save_controlnet
from tests.ip_adapters import SIDE, TOKENS, Form, image_encoder, save_ip_adapter, save_weights
from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint
from vp2p.models.image_encoder import find_image_encoder
from vp2p.models.image_prompts import load_ip_adapter
from vp2p.models.loading import LatentModel
from vp2p.models.opening import open_model
from vp2p.models.sources import located
from vp2p.schema import identifying
from vp2p.settings import EditSettings, ModelSettings


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, sd1_folder: Path) -> Path:
    return save_ip_adapter(tmp_path_factory.mktemp("adapters") / "ip", sd1_folder)


@pytest.fixture
def copied(adapter: Path, tmp_path: Path) -> Path:
    """The folder of an adapter's file and image encoder, which may be changed."""
    return Path(shutil.copytree(adapter / "models", tmp_path / "copied"))


def _settings(folder: Path, adapter: Path | str | None) -> ModelSettings:
    return ModelSettings(model=str(folder), device="cpu", ip_adapter=None if adapter is None else str(adapter))


def _change(file: Path, **tensors: torch.Tensor | None) -> None:
    """Has a file hold other tensors, and those that are None no more; ``__`` stands for a dot."""
    held = load_file(file) | {name.replace("__", "."): one for name, one in tensors.items()}
    save_file({name: one for name, one in held.items() if one is not None}, file)


def test_a_folder_like_the_hubs_one_with_the_file_and_the_file(sd1_folder: Path, adapter: Path, copied: Path) -> None:
    def digest(path: Path) -> str:
        found = open_model(_settings(sd1_folder, path)).ip_adapter
        assert found is not None and found.tokens == 4
        return found.digest

    file, encoder = copied / "ip-adapter_sd15.safetensors", copied / "image_encoder" / "model.safetensors"
    first = digest(adapter)
    assert digest(copied) == digest(file) == first
    _change(encoder, visual_projection__weight=torch.ones(24, 16))
    other = digest(copied)
    _change(file, image_proj__norm__bias=torch.ones(32))
    assert len({first, other, digest(copied)}) == 3


def test_the_models_identity_is_that_without_it(sd1_folder: Path, adapter: Path) -> None:
    assert fingerprint(open_model(_settings(sd1_folder, adapter))) == fingerprint(
        open_model(_settings(sd1_folder, None))
    )
    assert "ip_adapter" not in identifying(ModelSettings()) and "reference" not in identifying(EditSettings())


def test_paths(sd1_folder: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(adapter.parent)
    assert located(_settings(sd1_folder, "ip")).ip_adapter == str(adapter)
    assert located(_settings(sd1_folder, "h94/IP-Adapter")).ip_adapter == "h94/IP-Adapter"


@torch.no_grad()
def test_a_picture_is_prepared_as_diffusers_does(sd1: LatentModel, sd1_folder: Path, adapter: Path) -> None:
    folder = open_model(_settings(sd1_folder, adapter)).ip_adapter
    assert folder is not None
    loaded = load_ip_adapter(folder, sd1.unet)
    picture = np.random.default_rng(0).integers(0, 256, (40, 64, 3), dtype=np.uint8)
    shown, none = loaded.tokens(picture)
    pixels = CLIPImageProcessor(size=SIDE, crop_size=SIDE)(picture, return_tensors="pt").pixel_values
    wanted = loaded.projection(image_encoder()(pixels).image_embeds)[0]
    # The library rounds the resized picture otherwise in a few places.
    torch.testing.assert_close(shown, wanted, atol=0.02, rtol=0.02)
    torch.testing.assert_close(none, loaded.projection(torch.zeros(1, 24))[0])
    assert (loaded.tokens(picture[::-1].copy())[0] - shown).abs().max() > 0.01


@torch.no_grad()
@pytest.mark.parametrize(("form", "kind"), [("plus", "sd1"), ("plus", "sdxl"), ("full-face", "sd1")])
def test_tokens_of_hidden_states(form: Form, kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    model, model_folder = request.getfixturevalue(kind), request.getfixturevalue(f"{kind}_folder")
    file = save_weights(save_ip_adapter(tmp_path / "ip", model_folder) / "models", model_folder, 3, form)
    folder = open_model(_settings(model_folder, file)).ip_adapter
    assert folder is not None and folder.tokens == TOKENS[form]
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    loaded = load_ip_adapter(folder, model.unet)
    found = loaded.tokens(picture)
    own = {name.removeprefix("image_proj."): one for name, one in load_file(file).items() if "image_proj." in name}
    wanted = model.unet._convert_ip_adapter_image_proj_to_diffusers(own)
    assert isinstance(wanted, IPAdapterPlusImageProjection if form == "plus" else IPAdapterFullImageProjection)
    pixels = CLIPImageProcessor(size=SIDE, crop_size=SIDE)(picture, return_tensors="pt").pixel_values
    for tokens, image in zip(found, (pixels, torch.zeros_like(pixels))):
        states = image_encoder()(image, output_hidden_states=True).hidden_states[-2]
        torch.testing.assert_close(tokens, wanted(states)[0], atol=1e-5, rtol=1e-5)
    save_file(
        {
            name: one
            for name, one in load_file(file).items()
            if not name.endswith("norm_out.bias") and "proj.2" not in name
        },
        file,
    )
    with pytest.raises(ModelError, match="lacks tensors of its projection"):
        load_ip_adapter(folder, model.unet)


def _save_hub(folder: Path, model: Path) -> Path:
    """A folder like the hub's, with adapters of XL: ``models/`` has the encoder of Plus, the other the plain one's."""
    for part, sizes in (("models", {"projection_dim": 20}), ("sdxl_models", {"hidden_size": 32})):
        image_encoder(1, **sizes).save_pretrained(folder / part / "image_encoder")
    for form in ("plain", "plus"):
        save_weights(folder / "sdxl_models", model, form=form)
    plain = folder / "sdxl_models" / "ip-adapter_sd15.safetensors"
    plain.rename(plain.with_name("ip-adapter_sdxl.safetensors"))
    return folder


def test_the_image_encoder_that_an_adapter_reads(sdxl: LatentModel, sdxl_folder: Path, tmp_path: Path) -> None:
    hub = _save_hub(tmp_path / "hub", sdxl_folder)
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for name, part in (("ip-adapter_sdxl", "sdxl_models"), ("ip-adapter-plus_sd15", "models")):
        found = open_model(_settings(sdxl_folder, hub / "sdxl_models" / f"{name}.safetensors")).ip_adapter
        assert found is not None and found.encoder.config == hub / part / "image_encoder"
        assert load_ip_adapter(found, sdxl.unet).tokens(picture)[0].shape == (found.tokens, 64)
    shutil.rmtree(hub / "models")
    with pytest.raises(ModelError, match="hidden states of 32 numbers, but the IP-Adapter reads 16") as caught:
        open_model(_settings(sdxl_folder, hub / "sdxl_models" / "ip-adapter-plus_sd15.safetensors"))
    assert caught.value.hint == "put the image_encoder/ that it was made for beside its file"


def test_where_the_published_image_encoders_are(tmp_path: Path) -> None:
    for part, name, read, wanted in (
        ("sdxl_models", "hidden_size", 1280, "models"),
        ("sdxl_models", "projection_dim", 1280, "sdxl_models"),
        ("models", "projection_dim", 1024, "models"),
    ):
        with pytest.raises(ModelError, match="has no image encoder") as caught:
            find_image_encoder(tmp_path / part / "ip-adapter.safetensors", name, read)
        files = f"{wanted}/image_encoder/config.json {wanted}/image_encoder/model.safetensors"
        assert caught.value.hint == f"hf download h94/IP-Adapter {files} --local-dir {tmp_path}"
    with pytest.raises(ModelError) as caught:
        find_image_encoder(tmp_path / "ip-adapter.safetensors", "hidden_size", 1280)
    assert caught.value.hint == "put models/image_encoder/ of the hub's h94/IP-Adapter beside its file"


def test_from_the_hubs_cache(sdxl_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "cache" / "models--some--adapters"
    snapshot = _save_hub(repository / "snapshots" / ("0" * 40), sdxl_folder)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    plus = "some/adapters/sdxl_models/ip-adapter-plus_sd15.safetensors"
    assert located(_settings(sdxl_folder, plus)).ip_adapter == plus
    for named, tokens, part in (("some/adapters", 4, "sdxl_models"), (plus, 16, "models")):
        found = open_model(_settings(sdxl_folder, named)).ip_adapter
        assert found is not None and found.tokens == tokens
        assert found.encoder.config == snapshot / part / "image_encoder"
    with pytest.raises(ModelError, match="some/adapters has no models/ip-adapter-no.safetensors"):
        open_model(_settings(sdxl_folder, "some/adapters/models/ip-adapter-no.safetensors"))
    (snapshot / "models" / "image_encoder" / "model.safetensors").unlink()
    with pytest.raises(ModelError) as caught:
        open_model(_settings(sdxl_folder, plus), download=False)
    assert caught.value.hint


def test_what_is_no_ip_adapter_is_named(sd1_folder: Path, adapter: Path, copied: Path, tmp_path: Path) -> None:
    def refused(path: Path | str) -> ModelError:
        with pytest.raises(ModelError) as caught:
            open_model(_settings(sd1_folder, path))
        assert caught.value.hint
        return caught.value

    (tmp_path / "empty").mkdir()
    assert "no IP-Adapter 'nowhere'" in refused("nowhere").cause
    assert "name of the IP-Adapter is empty" in refused("").cause
    assert "there is no ip-adapter*.safetensors" in refused(tmp_path / "empty").cause
    (tmp_path / "empty" / "ip-adapter_sd15.bin").write_bytes(b"PK")
    assert "can run code" in refused(tmp_path / "empty").cause
    assert "HF_HUB_OFFLINE" in refused("h94/IP-Adapter").cause
    net = save_controlnet(tmp_path / "net", sd1_folder)
    assert "is no IP-Adapter" in refused(net / "diffusion_pytorch_model.safetensors").cause
    file = copied / "ip-adapter_sd15.safetensors"
    one = torch.ones(1)
    for names, kind in (
        (("image_proj.latents",), "an IP-Adapter of an unknown form,"),
        (("image_proj.proj.0.weight",), "FaceID,"),
        (("image_proj.perceiver_resampler.proj_in.weight", "image_proj.proj.0.weight"), "FaceID Plus"),
    ):
        save_file({"ip_adapter.1.to_k_ip.weight": one, **{name: one.clone() for name in names}}, file)
        assert kind in refused(copied).cause
    shutil.copy(adapter / "models" / file.name, file)
    shutil.copy(file, copied / "ip-adapter-plus_sd15.safetensors")
    several = refused(copied)
    assert "several IP-Adapters" in several.cause and several.hint.endswith(str(file))


def test_one_given_as_the_model(copied: Path) -> None:
    file = copied / "ip-adapter_sd15.safetensors"
    with pytest.raises(ModelError, match="is an IP-Adapter") as caught:
        open_model(_settings(file, None))
    assert caught.value.hint.endswith(f"--ip-adapter {file}")
    models = copied.rename(copied.with_name("models"))
    for place in (models, models.parent):
        with pytest.raises(ModelError, match=f"The folder {place} holds an IP-Adapter") as caught:
            open_model(_settings(place, None))
        assert caught.value.hint.endswith(f"--ip-adapter {place}")


def test_the_image_encoder_must_be_there_and_fit(sd1_folder: Path, copied: Path) -> None:
    file = copied / "image_encoder" / "config.json"
    config = json.loads(file.read_text())
    for other, cause in (
        ({"projection_dim": 512}, "gives 512 numbers, but the IP-Adapter reads 24"),
        ({"model_type": "siglip"}, "but a clip_vision_model is needed"),
        ({"patch_size": 0}, "patch_size is 0, but it must be a whole number above 0"),
    ):
        file.write_text(json.dumps(config | other))
        with pytest.raises(ModelError, match=cause):
            open_model(_settings(sd1_folder, copied))
    file.write_text(json.dumps(config))
    shutil.copy(copied / "ip-adapter_sd15.safetensors", copied / "image_encoder" / "model.safetensors")
    with pytest.raises(ModelError, match="are of no image encoder"):
        open_model(_settings(sd1_folder, copied))
    file.unlink()
    with pytest.raises(ModelError, match="has no image encoder"):
        open_model(_settings(sd1_folder, copied))


def test_one_of_another_model_is_refused(
    sd1: LatentModel, sd1_folder: Path, sd2_folder: Path, adapter: Path, copied: Path
) -> None:
    with pytest.raises(ModelError, match="width 32, but the UNet reads 48"):
        open_model(_settings(sd2_folder, adapter))
    file = copied / "ip-adapter_sd15.safetensors"
    for name in ("ip_adapter__1__to_k_ip__weight", "ip_adapter__99__to_k_ip__weight"):
        shutil.copy(adapter / "models" / file.name, file)
        _change(file, **{name: torch.ones(3, 32)})
        folder = open_model(_settings(sd1_folder, copied)).ip_adapter
        assert folder is not None
        with pytest.raises(ModelError, match="UNet of other layers"):
            load_ip_adapter(folder, sd1.unet)
