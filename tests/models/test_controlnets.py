"""ControlNets that ``--control`` names: found, checked, loaded, and part of the model's identity."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import ControlNetUnionModel, UNet2DConditionModel

from tests.controlnets import WITHOUT_ATTENTION, save_controlnet, tiny_controlnet
from vp2p.errors import ModelError, UsageError
from vp2p.models.controlnets import find_controlnet
from vp2p.models.folder import fingerprint
from vp2p.models.loading import load_model
from vp2p.models.opening import open_model
from vp2p.models.sources import located
from vp2p.schema import identifying
from vp2p.settings import ClipSettings, ModelSettings


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, sd1_folder: Path) -> Path:
    return save_controlnet(tmp_path_factory.mktemp("nets") / "net", sd1_folder)


def _settings(folder: Path, *control: str, **options: str) -> ModelSettings:
    return ModelSettings(model=str(folder), device="cpu", control=control, **options)


def _change(folder: Path, **values: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def _save_union(folder: Path, model: Path) -> Path:
    """One of several kinds in one network."""
    unet = UNet2DConditionModel.from_pretrained(model / "unet")
    config = {**unet.config, "conditioning_embedding_out_channels": (8, 8, 16, 16), "addition_time_embed_dim": 8}
    ControlNetUnionModel.from_config(config).save_pretrained(folder)
    return folder


def test_it_is_loaded_beside_the_model(sd1_folder: Path, net: Path) -> None:
    model = load_model(_settings(sd1_folder, f"canny={net}:0.5", f"depth={net}", dtype="bf16"))
    assert [(one.kind, one.scale) for one in model.controlnets] == [("canny", 0.5), ("depth", 1)]
    found = model.controlnets[0].network
    assert found.dtype == torch.bfloat16 and not found.training
    assert not any(one.requires_grad for one in found.parameters())
    wanted = tiny_controlnet(sd1_folder / "unet").state_dict()
    assert all(torch.equal(one, wanted[name].bfloat16()) for name, one in found.state_dict().items())


def test_the_identity_holds_kind_contents_and_scale(sd1_folder: Path, net: Path, tmp_path: Path) -> None:
    other = save_controlnet(tmp_path / "other", sd1_folder, seed=1)
    controls: list[tuple[str, ...]] = [
        (), (f"canny={net}",), (f"canny={net}:0.5",), (f"softedge={net}",), (f"canny={other}",),
        (f"canny={net}", f"canny={other}"),
    ]  # fmt: skip
    prints = [fingerprint(open_model(_settings(sd1_folder, *control))) for control in controls]
    assert len(set(prints)) == len(prints)
    moved = net.rename(tmp_path / "moved")
    try:
        assert fingerprint(open_model(_settings(sd1_folder, f"canny={moved}:1.0"))) == prints[1]
        assert fingerprint(open_model(_settings(sd1_folder, f"canny={moved}:0"))) == prints[0]
    finally:
        moved.rename(net)
    assert "control" not in identifying(ModelSettings()) and "control_video" not in identifying(ClipSettings())


def test_paths(sd1_folder: Path, net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(net.parent)
    assert located(_settings(sd1_folder, "canny=net:0.8", "depth=some/net:0.3")).control == (
        f"canny={net}:0.8", "depth=some/net:0.3",
    )  # fmt: skip


def test_what_is_no_controlnet_is_named(sd1_folder: Path, net: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    pickles = tmp_path / "pickles"
    pickles.mkdir()
    (pickles / "config.json").write_text((net / "config.json").read_text())
    (pickles / "diffusion_pytorch_model.bin").write_bytes(b"PK")
    union, disguised = (_save_union(tmp_path / name, sd1_folder) for name in ("union", "disguised"))
    _change(disguised, _class_name="ControlNetModel")
    wrong = {
        "canny=nowhere": "no ControlNet 'nowhere",
        f"canny={net}:much": "must be a number",
        f"canny={net}:-1": "must be 0 or more",
        f"canny={tmp_path / 'empty'}": "holds no ControlNet",
        f"canny={sd1_folder / 'unet'}": "has a UNet2DConditionModel",
        f"canny={net / 'diffusion_pytorch_model.safetensors'}": "is one file",
        f"canny={pickles}": "pickles",
        f"canny={union}": "has a ControlNetUnionModel, but a ControlNetModel is needed",
        f"canny={disguised}": "has a ControlNet-Union",
        "depth=owner/net": "HF_HUB_OFFLINE",
    }
    for text, cause in wrong.items():
        with pytest.raises(ModelError, match=cause) as caught:
            find_controlnet(text)
        assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("class_embed_type", "timestep"),
        ("encoder_hid_dim_type", "text_proj"),
        ("global_pool_conditions", True),
        ("controlnet_conditioning_channel_order", "grb"),
    ],
)
def test_what_is_not_supported_is_named(net: Path, tmp_path: Path, name: str, value: object) -> None:
    strange = Path(shutil.copytree(net, tmp_path / "strange"))
    _change(strange, **{name: value})
    with pytest.raises(ModelError, match=f"has {name} {value!r}, which is not supported") as caught:
        find_controlnet(f"canny={strange}")
    assert caught.value.hint


def test_one_of_another_model_is_refused(
    sd1_folder: Path, sd2_folder: Path, sdxl_folder: Path, net: Path, tmp_path: Path
) -> None:
    of_xl = save_controlnet(tmp_path / "xl", sdxl_folder)
    wrong = [
        (sd2_folder, net, "cross_attention_dim is 32, but the UNet's 48"),
        (sdxl_folder, net, "cross_attention_dim is 32, but the UNet's 64"),
        (sd1_folder, of_xl, "cross_attention_dim is 64, but the UNet's 32"),
    ]
    for place, (name, value, told) in enumerate(
        [
            ("addition_embed_type", None, "None, but the UNet's 'text_time'"),
            ("addition_embed_type", "text", "'text', but the UNet's 'text_time'"),
            ("addition_time_embed_dim", 4, "4, but the UNet's 8"),
            ("projection_class_embeddings_input_dim", 72, "72, but the UNet's 80"),
        ]
    ):
        other = Path(shutil.copytree(of_xl, tmp_path / str(place)))
        _change(other, **{name: value})
        wrong.append((sdxl_folder, other, f"{name} is {told}"))
    for model, control, cause in wrong:
        with pytest.raises(ModelError, match=cause) as caught:
            open_model(_settings(model, f"canny={control}"))
        assert "--control canny=PATH" in caught.value.hint


def test_those_of_xl_are_loaded_with_and_without_attention(sdxl_folder: Path, tmp_path: Path) -> None:
    nets = (
        save_controlnet(tmp_path / "net", sdxl_folder),
        save_controlnet(tmp_path / "small", sdxl_folder, **WITHOUT_ATTENTION),
    )
    model = load_model(_settings(sdxl_folder, *(f"canny={net}" for net in nets)))
    first, second = (len(one.network.attn_processors) for one in model.controlnets)
    assert first == 2 * (2 + 3 + 3) and second == 0
    assert fingerprint(model.folder) != fingerprint(open_model(_settings(sdxl_folder)))


def test_kinds() -> None:
    with pytest.raises(UsageError, match="no kind 'dept'") as caught:
        ModelSettings(control=("dept=net",))
    assert caught.value.hint == "--control depth=net"
    with pytest.raises(UsageError, match="is not KIND=PATH"):
        ModelSettings(control=("net",))
    with pytest.raises(UsageError, match="is not KIND=PATH"):
        ClipSettings(control_video=("depth=",))
    with pytest.raises(UsageError, match="more than once"):
        ClipSettings(control_video=("depth=a.mp4", "depth=b.mp4"))


def test_a_controlnet_given_as_the_model(net: Path) -> None:
    with pytest.raises(ModelError, match="holds a ControlNet") as caught:
        open_model(_settings(net))
    assert "--control" in caught.value.hint
