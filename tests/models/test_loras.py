"""LoRAs: fused they do what peft does unfused, in every form in which they are saved."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.loras import adapted
from vp2p.errors import ModelError
from vp2p.models.folder import fingerprint
from vp2p.models.fusing import fuse_lora
from vp2p.models.loading import LatentModel, load_model
from vp2p.models.loras import find_lora, located_lora
from vp2p.models.opening import open_model
from vp2p.models.text import encode_prompts
from vp2p.settings import ModelSettings

_PROMPT = "a cat on the grass"


def _settings(model: LatentModel, *loras: Path | str) -> ModelSettings:
    return ModelSettings(model=str(model.folder.path), device="cpu", lora=tuple(map(str, loras)))


def _noise(unet: torch.nn.Module, width: int = 32) -> Tensor:
    seeded = torch.Generator().manual_seed(1)
    latents = torch.randn((1, 4, 16, 16), generator=seeded)
    with torch.no_grad():
        return unet(latents, 500, torch.randn((1, 8, width), generator=seeded)).sample


def _states(model: LatentModel) -> dict[str, Tensor]:
    parts = {"unet": model.unet, "text_encoder": model.text_encoder, "vae": model.vae}
    return {f"{name}.{key}": tensor for name, part in parts.items() for key, tensor in part.state_dict().items()}


def _same(one: LatentModel, other: LatentModel) -> bool:
    first, second = _states(one), _states(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.usefixtures("peft")
def test_one_of_the_unet_does_what_peft_does(sd1: LatentModel, tmp_path: Path) -> None:
    wanted = adapted(sd1)
    fused = load_model(_settings(sd1, wanted.save_adapter(tmp_path / "lora")))
    assert (_noise(sd1.unet) - _noise(wanted.unet)).abs().max() > 0.1
    torch.testing.assert_close(_noise(fused.unet), _noise(wanted.unet), atol=1e-5, rtol=1e-4)
    assert _states(fused).keys() == _states(sd1).keys()  # no trace of the adapter is left


@pytest.mark.usefixtures("peft")
@pytest.mark.parametrize("form", ["both", "kohya"])
def test_one_of_both_networks_does_what_peft_does(sd1: LatentModel, tmp_path: Path, form: str) -> None:
    wanted = adapted(sd1, rank=4, alpha=2)
    saved = wanted.save_both(tmp_path / "lora") if form == "both" else wanted.save_kohya(tmp_path / "k.safetensors", 2)
    fused = load_model(_settings(sd1, saved))
    torch.testing.assert_close(_noise(fused.unet), _noise(wanted.unet), atol=1e-5, rtol=1e-4)
    ids = torch.tensor([sd1.tokenizer(_PROMPT)["input_ids"]])
    with torch.no_grad():
        states = wanted.text_encoder(ids).last_hidden_state
    found = encode_prompts(fused, [_PROMPT])[:, : ids.shape[1]]
    torch.testing.assert_close(found, states, atol=1e-5, rtol=1e-4)
    assert (found - encode_prompts(sd1, [_PROMPT])[:, : ids.shape[1]]).abs().max() > 1e-3


@pytest.mark.usefixtures("peft")
def test_a_folder_of_peft_keeps_its_alpha(sd1: LatentModel, tmp_path: Path) -> None:
    import copy

    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, lora_alpha=7, init_lora_weights=False, target_modules=["to_k"])
    wanted = get_peft_model(copy.deepcopy(sd1.unet), config).eval()
    wanted.save_pretrained(tmp_path / "lora")
    fused = load_model(_settings(sd1, tmp_path / "lora"))
    torch.testing.assert_close(_noise(fused.unet), _noise(wanted.base_model.model), atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("peft")
def test_scales_and_several(sd1: LatentModel, tmp_path: Path) -> None:
    one, two = (adapted(sd1, seed=seed).save_both(tmp_path / str(seed)) for seed in (1, 2))
    plain = _states(sd1)
    halves = _states(load_model(_settings(sd1, f"{one}:0.5", f"{two}:-2")))
    first, second = (_states(load_model(_settings(sd1, path))) for path in (one, two))
    changed = 0
    for name, tensor in plain.items():
        wanted = tensor + 0.5 * (first[name] - tensor) - 2 * (second[name] - tensor)
        torch.testing.assert_close(halves[name], wanted, atol=1e-5, rtol=1e-4)
        changed += not torch.equal(halves[name], tensor)
    assert changed > 10


@pytest.mark.usefixtures("peft")
def test_scale_0_is_none(sd1: LatentModel, tmp_path: Path) -> None:
    saved = adapted(sd1).save_both(tmp_path / "lora")
    without = load_model(_settings(sd1))
    assert _same(load_model(_settings(sd1, f"{saved}:0")), without)
    assert fingerprint(open_model(_settings(sd1, f"{saved}:0"))) == fingerprint(open_model(_settings(sd1)))
    fuse_lora(find_lora(f"{saved}:0"), without.unet, without.text_encoder)  # by peft itself, too
    assert _same(without, sd1)


@pytest.mark.usefixtures("peft")
def test_half_precision(sd1: LatentModel, tmp_path: Path) -> None:
    saved = adapted(sd1).save_both(tmp_path / "lora")
    settings = ModelSettings(model=str(sd1.folder.path), device="cpu", dtype="bf16", lora=(str(saved),))
    fused = load_model(settings)
    assert {one.dtype for one in fused.unet.parameters()} == {torch.bfloat16}
    exact = load_model(_settings(sd1, saved)).unet.state_dict()
    for name, tensor in fused.unet.state_dict().items():
        torch.testing.assert_close(tensor.float(), exact[name], atol=0.02, rtol=0.02)


@pytest.mark.usefixtures("peft")
def test_one_for_another_model(sd1: LatentModel, sd2: LatentModel, tmp_path: Path) -> None:
    saved = adapted(sd2).save_both(tmp_path / "lora")
    with pytest.raises(ModelError, match="does not fit the model") as caught:
        load_model(_settings(sd1, saved))
    assert "--lora" in caught.value.hint
    file = saved / "pytorch_lora_weights.safetensors"
    own = adapted(sd1).save_both(tmp_path / "own") / "pytorch_lora_weights.safetensors"
    more = {"unet.down_blocks.7.attentions.0.proj_in.lora_A.weight": torch.zeros(4, 32)}
    save_file(load_file(own) | more, file)
    with pytest.raises(ModelError, match="the model has no layer"):
        load_model(_settings(sd1, file))


def _fake(file: Path, *names: str) -> Path:
    save_file({name: torch.zeros(2, 2) for name in names}, file)
    return file


def test_the_identity_holds_contents_and_scales(sd1: LatentModel, tmp_path: Path) -> None:
    file = _fake(tmp_path / "one.safetensors", "unet.x.lora_A.weight")
    other = _fake(tmp_path / "two.safetensors", "unet.y.lora_A.weight")
    prints = [
        fingerprint(open_model(_settings(sd1, *loras)))
        for loras in ((), (file,), (f"{file}:0.5",), (other,), (file, other))
    ]
    assert len(set(prints)) == len(prints)
    assert fingerprint(open_model(_settings(sd1, f"{file}:1.0"))) == prints[1]
    moved = file.rename(tmp_path / "moved.safetensors")
    assert fingerprint(open_model(_settings(sd1, moved))) == prints[1]


def test_paths_and_scales(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _fake(tmp_path / "a.safetensors", "unet.x.lora_A.weight")
    _fake(tmp_path / "a:2.safetensors", "unet.x.lora_A.weight")
    assert find_lora("a.safetensors:0.25").scale == 0.25
    assert find_lora("a:2.safetensors").scale == 1
    assert located_lora("") == ""
    assert located_lora("a.safetensors:-1") == f"{tmp_path}/a.safetensors:-1"
    assert located_lora("a:2.safetensors") == f"{tmp_path}/a:2.safetensors"


def test_what_is_no_lora_is_named(tmp_path: Path, sd1_folder: Path) -> None:
    good = _fake(tmp_path / "good.safetensors", "unet.x.lora_A.weight")
    (tmp_path / "pickle.pt").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    (tmp_path / "pickles").mkdir()
    (tmp_path / "pickles" / "lora.bin").write_bytes(b"PK")
    wrong = {
        "nowhere.safetensors": "no file 'nowhere.safetensors'",
        "nowhere": "no LoRA 'nowhere'",
        "": "name of the LoRA is empty",
        "x" * 999: "cannot be a path",
        str(tmp_path / "pickles"): "no safetensors file",
        str(sd1_folder): "holds no LoRA; it holds a whole model",
        f"{good}:much": "must be a number",
        f"{good}:nan": "must be a number",
        str(tmp_path / "pickle.pt"): "no safetensors file",
        str(tmp_path / "empty"): "holds no LoRA",
        str(sd1_folder / "unet"): "is no LoRA; it is a UNet alone",
        str(_fake(tmp_path / "loha.safetensors", "lora_unet_x.hada_w1_a")): "is a LoHa",
        str(_fake(tmp_path / "dora.safetensors", "lora_unet_x.dora_scale")): "is a DoRA",
        str(tmp_path): "several files",
    }
    for text, cause in wrong.items():
        with pytest.raises(ModelError, match=cause) as caught:
            find_lora(text)
        assert "--lora" in caught.value.hint


def test_without_peft(sd1: LatentModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _fake(tmp_path / "one.safetensors", "unet.x.lora_A.weight")
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ModelError, match="need the package peft") as caught:
        load_model(_settings(sd1, file))
    assert caught.value.hint == "pip install peft"
