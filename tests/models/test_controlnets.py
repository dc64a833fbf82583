"""ControlNets that ``--control`` names: found, checked, loaded, and part of the model's identity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.controlnets import save_controlnet, tiny_controlnet
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
    strange = save_controlnet(tmp_path / "strange", sd1_folder)
    config = json.loads((strange / "config.json").read_text())
    (strange / "config.json").write_text(json.dumps(config | {"addition_embed_type": "text_time"}))
    wrong = {
        "canny=nowhere": "no ControlNet 'nowhere",
        f"canny={net}:much": "must be a number",
        f"canny={net}:-1": "must be 0 or more",
        f"canny={tmp_path / 'empty'}": "holds no ControlNet",
        f"canny={sd1_folder / 'unet'}": "has a 'UNet2DConditionModel'",
        f"canny={net / 'diffusion_pytorch_model.safetensors'}": "is one file",
        f"canny={pickles}": "pickles",
        f"canny={strange}": "addition_embed_type 'text_time', which is not supported",
        "depth=owner/net": "HF_HUB_OFFLINE",
    }
    for text, cause in wrong.items():
        with pytest.raises(ModelError, match=cause) as caught:
            find_controlnet(text)
        assert caught.value.hint


def test_one_of_another_model_is_refused(sd1_folder: Path, sd2_folder: Path, net: Path) -> None:
    with pytest.raises(ModelError, match="cross_attention_dim is 32, but the UNet's 48") as caught:
        open_model(_settings(sd2_folder, f"canny={net}"))
    assert "--control canny=PATH" in caught.value.hint


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
