"""IP-Adapters that ``--ip-adapter`` names: found, checked, loaded, and no part of the model's identity."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessor

from tests.controlnets import save_controlnet
from tests.ip_adapters import SIDE, image_encoder, save_ip_adapter
from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint
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
        assert found is not None and found.width == 32
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


def test_what_is_no_plain_ip_adapter_is_named(sd1_folder: Path, adapter: Path, copied: Path, tmp_path: Path) -> None:
    def refused(path: Path | str) -> ModelError:
        with pytest.raises(ModelError) as caught:
            open_model(_settings(sd1_folder, path))
        assert caught.value.hint
        return caught.value

    (tmp_path / "empty").mkdir()
    assert "no IP-Adapter 'nowhere'" in refused("nowhere").cause
    assert "no IP-Adapter ''" in refused("").cause
    assert "holds no ip-adapter*.safetensors" in refused(tmp_path / "empty").cause
    (tmp_path / "empty" / "ip-adapter_sd15.bin").write_bytes(b"PK")
    assert "can run code" in refused(tmp_path / "empty").cause
    assert "HF_HUB_OFFLINE" in refused("h94/IP-Adapter").cause
    net = save_controlnet(tmp_path / "net", sd1_folder)
    assert "is no IP-Adapter" in refused(net / "diffusion_pytorch_model.safetensors").cause
    file = copied / "ip-adapter_sd15.safetensors"
    one = torch.ones(1)
    for names, kind in (
        (("image_proj.latents",), "an IP-Adapter Plus,"),
        (("image_proj.proj.3.weight", "image_proj.proj.0.weight"), "Full Face"),
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


def test_the_image_encoder_must_be_there_and_fit(sd1_folder: Path, copied: Path) -> None:
    file = copied / "image_encoder" / "config.json"
    config = json.loads(file.read_text())
    for other, cause in (
        ({"projection_dim": 512}, "gives 512 numbers, but the IP-Adapter reads 24"),
        ({"model_type": "siglip"}, "but a clip_vision_model is needed"),
    ):
        file.write_text(json.dumps(config | other))
        with pytest.raises(ModelError, match=cause):
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
