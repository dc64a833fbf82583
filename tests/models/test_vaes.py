"""Another VAE, and another variant of the weights, than the model would have by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file

from tests.original import original_vae, save_original
from tests.tiny import save_tiny
from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint
from vp2p.models.loading import LatentModel, load_model
from vp2p.models.opening import open_model
from vp2p.models.sources import located
from vp2p.settings import ModelSettings


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same sizes with other weights."""
    return save_tiny(tmp_path_factory.mktemp("models") / "other", "sd1", seed=1)


def _settings(folder: Path, **options: str | None) -> ModelSettings:
    return ModelSettings(model=str(folder), device="cpu", **options)


def _equal(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("form", ["model", "folder", "weights", "original", "diffusers", "checkpoint"])
def test_a_vae_in_any_form(sd1: LatentModel, other: Path, tmp_path: Path, form: str) -> None:
    wanted = AutoencoderKL.from_pretrained(other / "vae")
    place = {"model": other, "folder": other / "vae", "weights": other / "vae" / "diffusion_pytorch_model.safetensors"}
    if form not in place:
        place[form] = tmp_path / "vae.safetensors"
        if form == "checkpoint":
            save_original(other, place[form])
        else:
            state = original_vae(wanted) if form == "original" else wanted.state_dict()
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, place[form])
    settings = _settings(sd1.folder.path, vae=str(place[form]))
    model = load_model(settings)
    assert _equal(model.vae, wanted) and not _equal(model.vae, sd1.vae)
    assert _equal(model.unet, sd1.unet) and _equal(model.text_encoder, sd1.text_encoder)
    assert fingerprint(model.folder) != fingerprint(sd1.folder)


def test_the_own_vae_is_the_same_model(folder: Path) -> None:
    own = fingerprint(open_model(_settings(folder)))
    assert fingerprint(open_model(_settings(folder, vae=str(folder)))) == own
    assert fingerprint(open_model(_settings(folder, vae=str(folder / "vae")))) == own


def test_what_is_no_vae_is_named(folder: Path, sd2_folder: Path, tmp_path: Path) -> None:
    save_file({"unet.x.lora_A.weight": torch.zeros(1)}, tmp_path / "lora.safetensors")
    (tmp_path / "vae.pt").write_bytes(b"PK")
    wrong = {
        "no/such/thing": "no VAE",
        "": "name of the VAE is empty",
        "owner/vae.safetensors": "no file 'owner/vae.safetensors'",
        "https://hf.co/owner/vae": "is an address",
        str(tmp_path): "holds no VAE",
        str(tmp_path / "vae.pt"): "no safetensors file",
        str(tmp_path / "lora.safetensors"): "is no VAE; it is a LoRA",
        str(folder / "unet"): "has a UNet2DConditionModel, but an AutoencoderKL is needed",
        str(folder / "text_encoder"): "has a CLIPTextModel, but an AutoencoderKL is needed",
    }
    for vae, cause in wrong.items():
        with pytest.raises(ModelError, match=cause) as caught:
            open_model(_settings(folder, vae=vae))
        assert "--vae" in caught.value.hint
    config = folder / "vae" / "config.json"
    config.write_text(config.read_text().replace('"latent_channels": 4', '"latent_channels": 16'))
    for model, vae, option in ((sd2_folder, str(folder), "--vae"), (folder, None, "--model")):
        with pytest.raises(ModelError, match="has 16 channels, but the UNet reads 4 and gives 4") as caught:
            open_model(_settings(model, vae=vae))
        assert caught.value.hint.startswith(f"give {option}")
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        open_model(_settings(sd2_folder, vae="owner/vae"))


def test_paths_of_a_vae(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert located(ModelSettings(vae="vae")).vae == str(folder / "vae")
    assert located(ModelSettings(vae="owner/vae")).vae == "owner/vae"


def test_a_variant_beside_plain_weights(folder: Path, other: Path) -> None:
    UNet2DConditionModel.from_pretrained(other / "unet").save_pretrained(folder / "unet", variant="fp16")
    plain, half = load_model(_settings(folder)), load_model(_settings(folder, variant="fp16"))
    wanted = UNet2DConditionModel.from_pretrained(other / "unet")
    assert _equal(half.unet, wanted) and not _equal(plain.unet, wanted)
    assert half.folder.variants == {"unet": "fp16", "vae": None, "text_encoder": None}
    assert fingerprint(half.folder) != fingerprint(plain.folder)
    assert any("fp16" in note for note in half.folder.notes)


def test_a_variant_in_shards(folder: Path, other: Path) -> None:
    unet = UNet2DConditionModel.from_pretrained(other / "unet")
    unet.save_pretrained(folder / "unet", variant="fp16", max_shard_size="200KB")
    assert len(list((folder / "unet").glob("*.fp16-*.safetensors"))) > 1
    assert _equal(load_model(_settings(folder, variant="fp16")).unet, unet)
    next((folder / "unet").glob("*.fp16-*.safetensors")).unlink()
    with pytest.raises(ModelError, match="not whole"):
        open_model(_settings(folder, variant="fp16"))
    open_model(_settings(folder))


def test_a_variant_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it has plain ones alone") as caught:
        open_model(_settings(folder, variant="fp16"))
    assert caught.value.hint == "leave out --variant"
    file = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shutil.copy(file, file.with_name("diffusion_pytorch_model.ema.safetensors"))
    with pytest.raises(ModelError, match="it has ema") as caught:
        open_model(_settings(folder, variant="fp16"))
    assert "--variant ema" in caught.value.hint
    with pytest.raises(ModelError, match="--variant is for a folder"):
        open_model(_settings(save_original(folder, tmp_path / "m.safetensors"), variant="fp16"))


def test_the_hub_s_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots of links to blobs, as the hub's client keeps them, with a variant alone."""
    from huggingface_hub import constants

    repository = tmp_path / "hub" / "models--some--model"
    snapshot, blobs = repository / "snapshots" / ("0" * 40), repository / "blobs"
    blobs.mkdir(parents=True)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder)
        if file.suffix == ".safetensors":
            name = name.with_name(f"{name.stem}.fp16.safetensors")
        blob = blobs / f"{len(list(blobs.iterdir())):064d}"
        shutil.copy(file, blob)
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).symlink_to(blob)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    wanted = load_model(_settings(folder))
    for variant in (None, "fp16"):
        model = load_model(ModelSettings(model="some/model", device="cpu", variant=variant))
        assert _equal(model.unet, wanted.unet) and set(model.folder.variants.values()) == {"fp16"}
        assert model.name == "some/model"
    vae = load_model(_settings(folder, vae="some/model"))
    assert _equal(vae.vae, wanted.vae)
